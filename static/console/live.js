// Live values. The server says "changed"; the page asks for its own address again and takes over the regions that
// differ (`data-live`, each with an id; "still": not while somebody points or tabs in it). Without the stream it asks every 5 seconds. Hidden pages hold no connection.
import { morph } from "./morph.js";
import { freshen } from "./times.js";

const POLL_MS = 5000; // without a stream
const SLOW_MS = 15000; // with one: silence makes no event, so it has to be looked at
const PENDING_MS = 1000; // while somebody counts the seconds until the last assistant confirms
const GAP_MS = 250;
const path = document.body.dataset.livePath;
const PRESS_MS = 3000; // no press takes longer; a release outside the window is never told
const REOPEN_MS = 10000; // a stream that was refused is asked for again, but not at once
let stream = null;
let opened = 0;
let busy = false;
let again = false;
let asked = 0;
let pressedAt = -Infinity;

export async function refresh() {
  if (busy || performance.now() - pressedAt < PRESS_MS || document.hidden) {
    again = true;
    return;
  }
  busy = true;
  again = false;
  asked = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { "X-Live": "1" }, credentials: "same-origin" });
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") location.reload();
    else if (answer.ok) take(await answer.text());
    current(answer.ok);
  } catch {
    current(false);
  } finally {
    busy = false;
    document.body.dispatchEvent(new CustomEvent("refreshed"));
    if (again) setTimeout(refresh, GAP_MS);
  }
}

// A page that stopped updating must not look alive. The next round asks again.
function current(yes) {
  const mark = document.getElementById("stale");
  if (!mark || mark.hidden === yes) return;
  mark.hidden = yes;
  if (!yes) mark.textContent = `Not live since ${new Date().toLocaleTimeString()}: the console does not answer. Assistants go on.`;
}

function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  freshen(fresh);
  for (const now of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(now.id);
    if (!next) continue;
    if (now.dataset.live === "append") now.append(...[...next.children].map((node) => document.importNode(node, true)));
    else if (!now.isEqualNode(next) && !(now.dataset.live === "still" && now.matches(":hover, :focus-within"))) {
      if (now.hasAttribute("data-steady")) keepOrder(now, next);
      morph(now, next);
      htmx.process(now);
    }
  }
}

// Rows stay where they are while the page is open: a switch must not slide under a finger. New ones come last.
function keepOrder(now, next) {
  const place = new Map([...now.querySelectorAll("tr[data-key]")].map((row, index) => [row.dataset.key, index]));
  const rows = [...next.querySelectorAll("tr[data-key]")];
  rows.sort((a, b) => (place.get(a.dataset.key) ?? rows.length) - (place.get(b.dataset.key) ?? rows.length));
  for (const row of rows) row.parentNode.append(row);
}

function open() {
  if (!path || stream || document.hidden) return;
  opened = Date.now();
  stream = new EventSource(path);
  stream.addEventListener("ready", refresh);
  stream.addEventListener("changed", refresh);
}

function close() {
  stream?.close();
  stream = null;
}

const streaming = () => stream?.readyState === EventSource.OPEN;

if (path) {
  open();
  // A browser allows six connections to one host: tabs nobody looks at must not take them all.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else { open(); refresh(); }
  });
  addEventListener("pagehide", close);
  // A button must not change under a press: what is fetched waits until it is released.
  addEventListener("pointerdown", () => { pressedAt = performance.now(); }, true);
  for (const released of ["pointerup", "pointercancel", "blur"]) {
    addEventListener(released, () => { pressedAt = -Infinity; if (again) setTimeout(refresh, GAP_MS); }, true);
  }
  setInterval(() => {
    if (stream?.readyState === EventSource.CLOSED && Date.now() - opened > REOPEN_MS) { close(); open(); }
    const pause = document.querySelector("[data-pending]") ? PENDING_MS : streaming() ? SLOW_MS : POLL_MS;
    if (Date.now() - asked >= pause) refresh();
  }, 1000);
}
document.body.addEventListener("changed", refresh);
