// The draft: send what was changed and nothing else, undo and redo, apply by keyboard, dialogs, notices of others.
const work = () => document.getElementById("work");
const writing = (element) => element.closest("textarea, select, input:not([type=range]):not([type=checkbox])");

// A field that changed is sent alone: another window of the same person may have moved on with the others.
document.addEventListener("htmx:configRequest", (event) => {
  const { elt, formData, triggeringEvent } = event.detail;
  const pressed = triggeringEvent?.submitter; // one that waited in the queue is forgotten by htmx when the focus moves on
  if (pressed?.name) formData.set(pressed.name, pressed.value);
  else if (triggeringEvent?.type === "change") formData.delete("do"); // nor may it ride along with another field's change
  if (!elt.matches?.("form[data-fields]") || !triggeringEvent) return;
  const source = triggeringEvent.submitter ?? triggeringEvent.target;
  const wanted = new Set(["csrfmiddlewaretoken", "tab", source.name, source.dataset?.with]);
  for (const name of new Set(formData.keys())) if (!wanted.has(name) && !name.startsWith("seen.")) formData.delete(name);
});

let busy = 0; // with what answers with the desk
document.addEventListener("htmx:beforeRequest", () => { busy += 1; });
document.addEventListener("htmx:afterRequest", () => { busy -= 1; });

// The second half of a double click would apply what is applied already.
let appliedAt = -Infinity;
document.addEventListener("submit", (event) => {
  if (!event.target.matches("#dock")) return;
  if (performance.now() - appliedAt < 1000) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
  appliedAt = performance.now();
}, true);

// Enter means "that is my value": a form's first button would otherwise be pressed.
document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key !== "Enter" || event.ctrlKey || !field.matches("form[data-fields] input")) return;
  event.preventDefault();
  if (field.name === "pin") field.closest("p").querySelector("button").click();
  else field.dispatchEvent(new Event("change", { bubbles: true }));
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || !work()) return;
  const key = event.key.toLowerCase();
  if (key === "enter" && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    event.target.blur?.(); // what stands in a field is part of what is applied: it is sent first
    if (busy) document.addEventListener("desk", () => document.getElementById("apply")?.click(), { once: true });
    else document.getElementById("apply")?.click();
  } else if ((key === "z" || key === "y") && !writing(event.target) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    document.getElementById(key === "y" || event.shiftKey ? "redo" : "undo")?.click();
  }
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog) {
    event.preventDefault();
    dialog.showModal();
  }
  const closer = event.target.closest("[data-close]");
  if (closer?.closest("dialog")) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
  if (event.target.matches("dialog")) event.target.close(); // the backdrop
  const link = event.target.closest("[data-goto]");
  const field = link && document.getElementById(link.dataset.goto);
  if (field) {
    event.preventDefault();
    go(field);
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target) || event.target.closest(".pop .entry")) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

function go(field) {
  for (let box = field.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  if (!field.matches("input, select, textarea, button, a, [tabindex]")) field.tabIndex = -1;
  field.scrollIntoView({ block: "center" });
  field.focus({ preventScroll: true });
}

// A link to a field of another tab, or the address of a fault that somebody sent on.
if (location.hash.startsWith("#f-")) {
  const field = document.getElementById(location.hash.slice(1));
  if (field) go(field);
}

// What customers will read, while it is being written.
document.addEventListener("input", (event) => {
  const preview = document.getElementById(event.target.dataset.preview ?? "");
  if (!preview) return;
  preview.textContent = event.target.value.trim() || "nothing: the answer is empty";
  preview.classList.toggle("none", !event.target.value.trim());
});

// Somebody published while this page stood open: the live marks, the gates and the dock belong to another version now.
// While an answer is on its way, it may be our own publication: look again when it is here.
function follow() {
  const seen = document.getElementById("meanwhile")?.dataset.version;
  if (!busy && work() && seen && seen !== work().dataset.version) htmx.ajax("GET", work().dataset.refresh, { source: "#work", target: "#work", swap: "desk" });
}
document.body.addEventListener("refreshed", follow);
document.addEventListener("htmx:afterSettle", follow);
