// The handles on the confidence axis: real sliders over the whole axis that never cross and stop at the hard limit.
// While one moves, the bands, the sentence and the number follow; the server hears of it when it is let go.
const GAP = 0.01;
const SETTLE_MS = 450;
const waiting = new WeakMap();
const handles = () => [...document.querySelectorAll("input.edge")];
const round = (value) => Math.round(value * 100) / 100;

function room(handle) {
  const all = handles();
  const at = all.indexOf(handle);
  const below = at > 0 ? Number(all[at - 1].value) : 0;
  const above = at < all.length - 1 ? Number(all[at + 1].value) : 1 + GAP;
  return [Math.max(Number(handle.dataset.low), below + GAP), Math.min(Number(handle.dataset.high), above - GAP)];
}

function move(handle, wanted) {
  const [low, high] = room(handle);
  handle.value = String(Math.min(Math.max(round(wanted), round(low)), round(high)));
  handle.setAttribute("aria-valuetext", Number(handle.value).toFixed(2));
  draw();
  tell(handle);
}

function draw() {
  let top = 100;
  for (const handle of handles().reverse()) {
    const edge = Number(handle.value) * 100;
    place(handle.dataset.band, edge, top - edge);
    top = edge;
  }
  const placed = new Set(handles().map((handle) => handle.dataset.band));
  const lowest = [...document.querySelectorAll("[data-stretch]")].find((part) => !placed.has(part.dataset.stretch));
  if (lowest) place(lowest.dataset.stretch, 0, top);
  for (const text of document.querySelectorAll("[data-stretch] text")) {
    text.classList.toggle("narrow", text.getComputedTextLength() + 22 > text.parentElement.getBoundingClientRect().width);
  }
}

function place(band, left, width) {
  const part = document.querySelector(`[data-stretch="${CSS.escape(band)}"]`);
  part?.setAttribute("x", `${left}%`);
  part?.setAttribute("width", `${Math.max(width, 0)}%`);
}

function tell(handle) {
  const text = Number(handle.value).toFixed(2);
  const words = document.querySelector(`[data-edge="${CSS.escape(handle.dataset.field)}"]`);
  if (words) {
    words.textContent = text;
    const moved = words.dataset.liveText !== text;
    words.classList.toggle("changed", moved);
    const was = document.querySelector(`[data-was="${CSS.escape(handle.dataset.field)}"]`);
    if (was) was.hidden = !moved || !words.dataset.liveText;
  }
  const number = document.getElementsByName(handle.dataset.field)[0];
  if (number) number.value = text;
}

document.addEventListener("input", (event) => {
  if (event.target.matches("input.edge")) move(event.target, Number(event.target.value));
});

const KEYS = { ArrowRight: 0.01, ArrowUp: 0.01, ArrowLeft: -0.01, ArrowDown: -0.01, PageUp: 0.05, PageDown: -0.05, Home: -2, End: 2 };
document.addEventListener("keydown", (event) => {
  const handle = event.target;
  if (!handle.matches("input.edge") || !(event.key in KEYS) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  move(handle, Number(handle.value) + KEYS[event.key]);
  settle(handle);
});

// A run of key presses is one edit, not twenty.
export function settle(slider) {
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  clearTimeout(waiting.get(slider));
  waiting.set(slider, setTimeout(() => flush(slider), SETTLE_MS));
}

function flush(slider) {
  if (!waiting.has(slider)) return;
  clearTimeout(waiting.get(slider));
  waiting.delete(slider);
  slider.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("focusout", (event) => flush(event.target));
document.addEventListener("desk", draw);
addEventListener("resize", draw);
draw();
