// The keyboard: `/` finds, `?` tells all keys, `g` and a letter goes somewhere, `j` and `k` move through rows.
const PLACES = { p: "/", a: "/audit", s: "/assistants" };
const typing = (element) => element.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable='true']");
let going = 0;

// Somebody who speaks to the browser, or rests on its keys, can switch single keys off.
const choice = document.getElementById("keys-on");
const off = () => localStorage.getItem("keys") === "off";
if (choice) choice.checked = !off();
choice?.addEventListener("change", () => localStorage.setItem("keys", choice.checked ? "on" : "off"));
document.querySelector("[data-keys]")?.addEventListener("click", () => document.getElementById("keys")?.showModal());

function rows() {
  return [...document.querySelectorAll("#page [data-row] a.title, #page [data-row] > summary")];
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  all[Math.min(Math.max(at + by, 0), all.length - 1)].focus();
}

function find() {
  const field = document.querySelector("#page input[type=search]");
  field?.focus();
  field?.select();
  return Boolean(field);
}

// On a phone the current tab, or part of the console, may lie outside its strip.
for (const place of document.querySelectorAll(".rail [aria-current], .tabs [aria-current]"))
  place.scrollIntoView({ block: "nearest", inline: "center" });

document.addEventListener("keydown", (event) => {
  if (off() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (Date.now() - going < 1200) {
    going = 0;
    if (PLACES[event.key]) location.assign(PLACES[event.key]);
    return;
  }
  if (event.key === "g") going = Date.now();
  else if (event.key === "/") { if (find()) event.preventDefault(); }
  else if (event.key === "?") document.getElementById("keys")?.showModal();
  else if (event.key === "j") step(+1);
  else if (event.key === "k") step(-1);
});
