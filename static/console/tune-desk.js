// The desk: every answer of the server is the whole desk, and only what differs is changed, so that focus, an open
// menu, a handle being dragged and half-typed text stay where they are.
import { tell } from "./act.js";
import { morph } from "./morph.js";

// Fields holding something that the server has not been sent yet: half-typed text is never overwritten.
const unsent = new WeakSet();
let held = null; // a handle under the pointer

document.addEventListener("input", (event) => unsent.add(event.target));
document.addEventListener("pointerdown", (event) => { held = event.target.matches("input[type=range]") ? event.target : null; });
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { held = null; });

function carried({ elt, requestConfig }) {
  const form = elt.closest?.("form");
  return form && requestConfig ? [...form.elements].filter((field) => requestConfig.formData.has(field.name)) : [];
}
document.addEventListener("htmx:beforeRequest", (event) => { for (const field of carried(event.detail)) unsent.delete(field); });
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful) for (const field of carried(event.detail)) unsent.add(field);
});

function values(next) {
  for (const wanted of next.querySelectorAll("input[id], select[id], textarea[id]")) {
    const field = document.getElementById(wanted.id);
    if (!field || field === held || unsent.has(field)) continue;
    if (field.matches("select")) options(field, wanted);
    if (field.value !== wanted.value && field.type !== "hidden") field.value = wanted.value;
  }
}

function options(field, wanted) {
  if (field.innerHTML !== wanted.innerHTML) field.innerHTML = wanted.innerHTML;
}

// What the server did not compute again (the histogram, shares of traffic) is what stands there now.
function keep(next) {
  for (const same of next.querySelectorAll("[data-unchanged]")) {
    const now = document.getElementById(same.id);
    if (now) same.replaceWith(now.cloneNode(true));
  }
}

export function take(now, next) {
  keep(next);
  const open = [...now.querySelectorAll("dialog[open]")];
  const focused = now.contains(document.activeElement);
  morph(now, next);
  values(next);
  for (const dialog of open) if (!dialog.isConnected) dialog.close();
  htmx.process(now);
  // A button that went, or went dead, must not take the keyboard's place on the page with it.
  if (focused && (!now.contains(document.activeElement) || document.activeElement.disabled)) now.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("desk", { detail: now }));
}

htmx.defineExtension("desk", {
  isInlineSwap: (style) => style === "desk",
  handleSwap(style, target, fragment) {
    if (style !== "desk") return false;
    const next = fragment.querySelector(`#${CSS.escape(target.id)}`);
    if (next) take(target, document.importNode(next, true));
    else tell("The console answered with another page: you were signed out, or your rights have changed. Your draft is kept; load the page again.");
    return [target];
  },
});
