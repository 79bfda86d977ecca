// Order of rules and of the ladder, by mouse, touch and keyboard; and the rule builder's dialog.
const LISTS = { rule: { verb: "rules.move", of: (row) => row.dataset.rule }, rung: { verb: "ladder.move", of: (row) => row.dataset.rung } };
const rowOf = (grip) => grip.closest("[data-rule], [data-rung]");
const kindOf = (row) => ("rule" in row.dataset ? LISTS.rule : LISTS.rung);
let drag = null;
let from = ""; // the rule whose builder is open

function send(row, to) {
  const form = row.closest("form");
  const { verb, of } = kindOf(row);
  const values = { do: `${verb}:${of(row)}`, to, tab: form.elements.tab.value };
  for (const [name, value] of new FormData(form)) if (name.startsWith("seen.")) values[name] = value;
  return htmx.ajax("POST", form.getAttribute("hx-post"), { source: form.closest("#work"), target: "#work", swap: "desk", values });
}

document.addEventListener("keydown", async (event) => {
  const grip = event.target.closest?.(".grip");
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!grip || !by || !event.altKey) return;
  event.preventDefault();
  const row = rowOf(grip);
  const rows = [...row.parentElement.children];
  const to = rows.indexOf(row) + by;
  if (to < 0 || to >= rows.length) return;
  // Moved at once, so that a second press counts from where the row now stands; the server's answer agrees.
  if (by < 0) rows[to].before(row); else rows[to].after(row);
  grip.focus();
  await send(row, to);
  row.querySelector(".grip")?.focus();
});

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest(".grip");
  if (!grip || event.button > 0) return;
  const row = rowOf(grip);
  drag = { row, grip, from: [...row.parentElement.children].indexOf(row), y: event.clientY, moved: false };
  grip.setPointerCapture(event.pointerId);
});

document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  if (!drag.moved && Math.abs(event.clientY - drag.y) < 4) return;
  drag.moved = true;
  drag.row.classList.add("dragged");
  for (const other of drag.row.parentElement.children) {
    if (other === drag.row) continue;
    const box = other.getBoundingClientRect();
    const middle = box.top + box.height / 2;
    const after = drag.row.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
    if (after && event.clientY > middle) other.after(drag.row);
    else if (!after && event.clientY < middle) { other.before(drag.row); break; }
  }
});

function drop(event) {
  if (!drag) return;
  const { row, grip, from, moved } = drag;
  drag = null;
  row.classList.remove("dragged");
  const rows = [...row.parentElement.children];
  const to = rows.indexOf(row);
  if (event.type === "pointercancel") {
    const others = rows.filter((other) => other !== row);
    if (others[from]) others[from].before(row); else row.parentElement.append(row);
  } else if (moved && to !== from) send(row, to).then(() => grip.focus());
}
document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", drop);

// The builder opens when it has arrived, and closes when the rule is kept.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "builder-body") return;
  const dialog = document.getElementById("builder");
  const body = document.getElementById("builder-body");
  const next = document.getElementsByName(body.dataset.focus)[0];
  if (dialog && !dialog.open) {
    dialog.showModal();
    document.getElementById("r-name").focus();
  }
  next?.focus();
});
// Back to where it was opened: the menu's entry itself is hidden again.
document.addEventListener("click", (event) => {
  if (event.target.closest("[hx-target='#builder-body']")) from = event.target.closest("[data-rule]")?.id ?? "";
});
document.getElementById("builder")?.addEventListener("close", () => {
  (document.getElementById(from)?.querySelector("summary") ?? document.querySelector("#f-rules > footer .button"))?.focus();
});
document.body.addEventListener("rule-saved", () => document.getElementById("builder")?.close());
