// Sliders of the thresholds: the number follows while one moves, in its unit; steps snap; a run of keys is one edit.
import { settle } from "./tune-bands.js";

const WRITE = {
  $: (value) => `$${value < 1 ? value.toFixed(3) : value >= 10 && Number.isInteger(value) ? value : value.toFixed(2)}`,
  s: (value) => `${value.toFixed(1)} s`,
  "%": (value) => `${Number((value * 100).toFixed(4))}%`,
  "": (value) => value.toFixed(2),
};

function move(slider, wanted) {
  const step = Number(slider.dataset.step);
  const low = Number(slider.min);
  const high = Number(slider.max);
  const snapped = Number((Math.round(wanted / step) * step).toFixed(6));
  slider.value = String(Math.min(Math.max(snapped, low), high));
  const text = WRITE[slider.closest("[data-knob]").dataset.knob](Number(slider.value));
  const field = document.getElementById(slider.dataset.field);
  slider.setAttribute("aria-valuetext", text);
  field.value = text;
  field.classList.toggle("changed", text !== field.dataset.liveText);
}

document.addEventListener("input", (event) => {
  if (event.target.matches("input.at")) move(event.target, Number(event.target.value));
});

const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -1e9, End: 1e9 };
document.addEventListener("keydown", (event) => {
  const slider = event.target;
  if (!slider.matches("input.at") || !(event.key in STEPS) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  move(slider, Number(slider.value) + STEPS[event.key] * Number(slider.dataset.step));
  settle(slider);
});
