// Draw the figures that the server wrote as JSON beside each chart. Colours come from the page, light and dark.
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 700px)");

function coloured(value, style) {
  if (typeof value === "string" && value.startsWith("token:")) return resolved(style.getPropertyValue(value.slice(6)));
  if (Array.isArray(value)) return value.map((item) => coloured(item, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, style)]));
  }
  return value;
}

// Plotly knows no light-dark(); the browser does.
function resolved(colour) {
  const probe = document.createElement("i");
  probe.style.setProperty("color", colour);
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

// On a phone a legend has a line for each entry; the plot keeps the height that it was given.
function legendHeight(figure) {
  return 19 * figure.data.filter((trace) => trace.showlegend !== false).length;
}

const drawn = new WeakMap();

export function draw(place) {
  const source = document.getElementById(place.dataset.figure);
  if (!source || !window.Plotly) return undefined;
  const state = `${dark.matches} ${narrow.matches} ${source.textContent}`;
  if (drawn.get(place) === state) return undefined;
  drawn.set(place, state);
  const figure = coloured(JSON.parse(source.textContent), getComputedStyle(document.documentElement));
  figure.layout.font.family = getComputedStyle(document.body).fontFamily;
  figure.layout.autosize = true;
  if (narrow.matches && figure.layout.legend?.yref === "container") figure.layout.height += legendHeight(figure);
  return Plotly.react(place, figure.data, figure.layout, { displayModeBar: false, responsive: true, staticPlot: narrow.matches });
}

function drawAll() {
  document.querySelectorAll("[data-figure]").forEach(draw);
}

addEventListener("load", drawAll);
if (document.readyState === "complete") drawAll();
dark.addEventListener("change", drawAll);
narrow.addEventListener("change", drawAll);
document.body.addEventListener("refreshed", drawAll);
