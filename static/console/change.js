// The reviewer's keys: a letter goes to its button, Enter presses it. Nobody approves by a slip of one finger.
const off = () => localStorage.getItem("keys") === "off";

document.addEventListener("keydown", (event) => {
  if (off() || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, textarea, select")) return;
  const button = document.querySelector(`#dock [data-key-letter="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  button.focus();
});
