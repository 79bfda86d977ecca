// Buttons that act: say when they could not, never let a second press of the switch undo the first, dismiss notices.
const UNDO_GUARD_MS = 700; // a usual double click takes 500 at most
let stoppedAt = -Infinity;

export function tell(words) {
  const notice = document.createElement("div");
  notice.className = "notice error";
  notice.setAttribute("role", "alert");
  const text = document.createElement("div");
  text.textContent = words;
  const dismiss = document.createElement("button");
  dismiss.type = "button";
  dismiss.className = "plain";
  dismiss.dataset.dismiss = "";
  dismiss.textContent = "Dismiss";
  notice.append(text, dismiss);
  document.getElementById("notices")?.append(notice);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  // After the switch the button that restores appears where the pointer rests: the second half of a double click.
  if (form.matches("[data-undo]") && performance.now() - stoppedAt < UNDO_GUARD_MS) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
  if (form.matches("[data-stop]")) stoppedAt = performance.now();
}, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dismiss]");
  if (button) button.closest(".notice")?.remove();
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(document.getElementById(copy.dataset.copy).textContent.trim());
});

// What went well is told elsewhere on the page too, so it may go by itself; what went wrong stays until it is read.
const seen = new WeakSet();
setInterval(() => {
  for (const notice of document.querySelectorAll("#notices > .notice:not(.error)")) {
    if (seen.has(notice) && !notice.matches(":hover, :focus-within")) notice.remove();
    seen.add(notice);
  }
}, 10_000);

function button({ detail: { elt, requestConfig } }) {
  const cause = requestConfig?.triggeringEvent;
  return cause && cause.type !== "submit" ? null : cause?.submitter ?? elt.querySelector?.("button");
}
document.addEventListener("htmx:beforeRequest", (event) => button(event)?.setAttribute("aria-busy", "true"));
document.addEventListener("htmx:afterRequest", (event) => button(event)?.removeAttribute("aria-busy"));
document.addEventListener("htmx:afterRequest", (event) => {
  // Signed out meanwhile: the press did nothing, and a page that stays as it is would hide that.
  const answered = event.detail.xhr.responseURL;
  if (answered && new URL(answered).pathname === "/sign-in") location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
});
document.addEventListener("htmx:sendError", () => tell("The console did not answer. Look at the state when it is live again, and press again if it has not changed."));
document.addEventListener("htmx:timeout", () => tell("The console took too long to answer. Look at the state before you press again."));
document.addEventListener("htmx:beforeSwap", (event) => {
  // An outage page is a whole page; a live page shows its words instead of swallowing it.
  if (event.detail.xhr.status >= 500) {
    event.detail.shouldSwap = false;
    const outage = event.detail.xhr.status === 503;
    tell(outage ? "The database does not answer: nothing was changed. Press again in a moment." : "Something broke on our side. Look at the state before you press again.");
  }
});
