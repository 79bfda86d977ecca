// The panel "What would change": its numbers follow a handle while it moves, without moving themselves.
// One question at a time, the newest next: what is on screen is sent, taken over for the answer, and not saved.
import { morph } from "./morph.js";

const QUIET_MS = 300; // most replays are done before anybody could read that one is under way
const READING_MS = 500; // how often to ask how far a history has been read
const AGAIN_MS = 1000;
const SETTLE_MS = 900; // a handle that is moved on makes several numbers; only the last are worth hearing
const FRESH_MS = 15000; // decisions that came since are taken in no more often
const section = document.getElementById("impact");
const place = document.getElementById("impact-numbers");
const by = (id) => document.getElementById(id);
const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
const touched = new Map(); // sliders that stand elsewhere than the draft that the server holds, and since when
let asking = false;
let next = false;
let loud = false; // somebody did something: what comes of it is worth saying
let first = true;
let held = false; // a handle under the pointer
let askedAt = -Infinity;
let sentAt = 0;
let settled = 0;

const slider = (target) => target.matches?.("input.edge, input.at");

document.addEventListener("input", (event) => {
  if (!slider(event.target)) return;
  touched.set(event.target.id, performance.now());
  ask(true);
});
document.addEventListener("pointerdown", (event) => { held = slider(event.target); });
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { held = false; });

// The desk's answer holds what was sent to it; what moved after that still stands on the screen only.
document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt?.closest?.("form[data-fields]")) sentAt = performance.now(); });
document.addEventListener("desk", () => {
  for (const [id, at] of touched) if (at <= sentAt) touched.delete(id);
  ask(true);
});
document.body.addEventListener("refreshed", () => {
  if (!held && !touched.size && performance.now() - askedAt >= FRESH_MS) ask(false);
});

function fields() {
  const sent = new FormData();
  for (const id of touched.keys()) {
    const input = by(id);
    if (!input) continue;
    sent.set(input.name, input.value);
    for (const seen of input.form.querySelectorAll("input[name^='seen.']")) sent.set(seen.name, seen.value);
  }
  return sent;
}

async function ask(aloud) {
  loud ||= aloud;
  next = true;
  if (asking || !section) return;
  asking = true;
  while (next) {
    next = false;
    askedAt = performance.now();
    const slow = loud || first ? setTimeout(read, QUIET_MS) : 0; // new decisions are taken in without a word
    try {
      await answered();
    } catch {
      say("Not replayed");
    }
    clearTimeout(slow);
  }
  asking = false;
}

async function answered() {
  const sent = fields();
  const some = ![...sent.keys()].length ? {} : { method: "POST", body: sent };
  const answer = await fetch(section.dataset.url, { ...some, headers: { "X-Part": "1", ...token }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error("no numbers");
  take(await answer.text());
}

function take(html) {
  const fresh = place.cloneNode(false);
  fresh.append(new DOMParser().parseFromString(html, "text/html").body);
  fresh.firstChild.replaceWith(...fresh.firstChild.childNodes);
  const body = fresh.querySelector("#impact-body");
  const again = body.hasAttribute("data-again");
  // Without new numbers the last ones stay, greyed, with the reason below them.
  const kept = (body.hasAttribute("data-fault") || again) && by("impact-body").hasAttribute("data-told");
  section.classList.toggle("old", kept);
  if (kept) by("impact-moves").textContent = body.querySelector("#impact-moves").textContent;
  else morph(place, fresh);
  by("impact-saying").textContent = fresh.querySelector("#impact-saying").textContent;
  if (again) setTimeout(() => ask(false), AGAIN_MS);
  document.dispatchEvent(new CustomEvent("numbers", { detail: by("impact-body") }));
  clearTimeout(settled);
  settled = setTimeout(readOut, SETTLE_MS);
}

// What stands there when the page opens is read when it is reached; afterwards what somebody's own doing has changed.
function readOut() {
  if (held) { settled = setTimeout(readOut, SETTLE_MS); return; }
  if (loud && !first) by("impact-said").textContent = by("impact-saying").textContent;
  first = loud = false;
}

function say(words) {
  const head = by("impact-head");
  if (head) head.textContent = words;
}

// A question that takes long waits for its history: how far that has been read is shown until the numbers come.
async function read() {
  if (!asking) return;
  if (!touched.size) say("Replaying…");
  try {
    const found = await (await fetch(section.dataset.progress, { credentials: "same-origin" })).json();
    if (asking && found.loading) {
      const bar = by("impact-reading");
      bar.hidden = false;
      bar.max = Math.max(found.expected, 1);
      bar.value = found.rows;
      say(`${found.rows.toLocaleString("en")} of ${found.expected.toLocaleString("en")} read`);
    }
  } catch { /* the numbers will come, or say that they do not */ }
  if (asking) setTimeout(() => { if (asking && performance.now() - askedAt > READING_MS) read(); }, READING_MS);
}

// Desks, rules and segments: fetched when they are looked at, and again once the draft has changed.
const more = by("impact-more");
const sections = [...(more?.querySelectorAll("details") ?? [])];
let attribute = "";

async function fill() {
  const open = sections.filter((part) => part.open).map((part) => by(part.dataset.part));
  if (!open.length) return;
  try {
    const answer = await fetch(`${more.dataset.url}?by=${encodeURIComponent(attribute)}`, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error("no numbers");
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of open) morph(part, document.importNode(fresh.getElementById(part.id), true));
  } catch {
    for (const part of open) if (part.childElementCount === 1) part.firstElementChild.textContent = "Not replayed. Close this and open it again.";
  }
}
for (const part of sections) part.addEventListener("toggle", fill);
if (more) document.addEventListener("desk", fill);
more?.addEventListener("change", (event) => {
  if (event.target.id !== "impact-by") return;
  attribute = event.target.value;
  fill();
});

ask(false);
