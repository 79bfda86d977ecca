// The curve under the panel's numbers: fetched once they stand and nothing moves, drawn where its place already is. The
// draft's point follows the handle. Plotly comes only with the first curve.
import { draw } from "./chart.js";
import { morph } from "./morph.js";

const FOLLOW_MS = 60; // by then the next question of a moving handle is on its way: redrawing would delay its sending
const CALM_MS = 1500; // the numbers of a handle that is moved on come first: a curve takes longer than they do
const part = document.getElementById("impact-chart");
const told = document.getElementById("impact-chart-body");
const plot = part?.querySelector("[data-figure]");
let plotly = null;
let calm = 0;
let asking = false;
let due = true;

function load() {
  plotly ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = part.dataset.plotly;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  return plotly;
}

async function fetchCurve() {
  if (asking) return;
  asking = true;
  due = false;
  try {
    const answer = await fetch(part.dataset.url, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error("no curve");
    const fresh = told.cloneNode(false);
    fresh.append(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
    morph(told, document.importNode(fresh, true));
    htmx.process(told);
    const drawn = Boolean(document.getElementById("impact-figure"));
    plot.hidden = !drawn;
    if (drawn) {
      await load();
      await draw(plot);
      follow();
    }
  } catch {
    const words = told.querySelector(".words");
    if (words && !plot.data) { words.hidden = false; words.textContent = "The curve could not be drawn."; }
  }
  asking = false;
  if (due) soon();
}

function soon() {
  due = true;
  clearTimeout(calm);
  calm = setTimeout(fetchCurve, CALM_MS);
}

// Where the draft stands on its line, by the share that it answers.
function follow() {
  const body = document.getElementById("impact-body");
  const share = Number.parseFloat(body?.dataset.draftShare);
  const { draftLine, draftPoint } = plot.layout?.meta ?? {};
  const line = plot.data?.[draftLine];
  if (!line || Number.isNaN(share)) return;
  const wrong = between(line.x, line.y, share);
  const known = wrong !== null;
  Plotly.restyle(plot, { x: [known ? [share] : []], y: [known ? [wrong] : []], text: [known ? [`draft ${Math.round(share * 100)}%`] : []] }, [draftPoint]);
}

function between(xs, ys, x) {
  const above = xs.findIndex((value) => value >= x);
  if (above < 0 || (above === 0 && xs[0] > x + 0.02)) return null;
  if (above === 0) return ys[0];
  const part = (x - xs[above - 1]) / (xs[above] - xs[above - 1]);
  return ys[above - 1] + part * (ys[above] - ys[above - 1]);
}

if (part) {
  let later = 0;
  document.addEventListener("numbers", () => {
    clearTimeout(later);
    later = setTimeout(follow, FOLLOW_MS);
    if (due) soon();
  });
  document.addEventListener("desk", () => { due = true; });
}
