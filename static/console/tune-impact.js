// The panel "What would change" fetches itself (htmx); here is when it says that it is at work, and what it reads out.
const QUIET_MS = 300; // most replays are done before anybody could read that one is under way
const SETTLE_MS = 900; // a handle that is moved on makes several; only the last is worth hearing
const ours = (event) => event.detail.elt?.closest?.("#impact");
let slow = 0;
let settled = 0;
let first = true; // what stands there when the page opens is read when it is reached

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!ours(event)) return;
  clearTimeout(slow);
  clearTimeout(settled);
  slow = setTimeout(() => {
    const head = document.getElementById("impact-head");
    if (head) head.textContent = "Replaying…";
  }, QUIET_MS);
});

document.addEventListener("htmx:afterRequest", (event) => { if (ours(event)) clearTimeout(slow); });
for (const failed of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(failed, (event) => { if (ours(event)) document.getElementById("impact-head").textContent = "Not replayed"; });
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "impact-numbers") return;
  clearTimeout(settled);
  const words = document.getElementById("impact-saying").textContent;
  if (!first) settled = setTimeout(() => { document.getElementById("impact-said").textContent = words; }, SETTLE_MS);
  first = false;
});
