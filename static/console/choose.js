// One box in a table's head chooses every line; without this script each line has its own box all the same.
const all = document.querySelector("[data-choose-all]");
if (all) {
  const boxes = () => [...all.form.elements].filter((one) => one.name === "lines");
  all.hidden = false;
  all.addEventListener("change", () => boxes().forEach((box) => { box.checked = all.checked; }));
  all.form.addEventListener("change", (event) => {
    if (event.target === all) return;
    const chosen = boxes().filter((box) => box.checked).length;
    all.checked = chosen === boxes().length;
    all.indeterminate = chosen > 0 && !all.checked;
  });
}
