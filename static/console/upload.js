// A file on its way: drop it, see how far it is, cancel it. Without this script the form sends it as forms do.
// And on the page of its columns: what was folded open stays open when a choice brings the fresh preview.
const MIB = 1048576;

function size(bytes) {
  return bytes < MIB ? `${Math.ceil(bytes / 1024)} KiB` : bytes < 1024 * MIB ? `${(bytes / MIB).toFixed(1)} MiB` : `${(bytes / MIB / 1024).toFixed(2)} GiB`;
}

function droppable(form, input) {
  const zone = form.querySelector("[data-drop]");
  form.querySelector("[data-can-drop]").hidden = false;
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    form.querySelector("button.primary").focus();
  });
}

function sends(form) {
  const input = form.querySelector("input[type=file]");
  const why = form.querySelector(".why");
  const sending = form.querySelector("[data-sending]");
  const bar = sending.querySelector("progress");
  const sent = sending.querySelector("[data-sent]");
  const button = form.querySelector("button.primary");
  let request = null;

  const refuse = (words) => {
    why.textContent = words;
    if (words) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  const busy = (yes) => {
    sending.hidden = !yes;
    button.disabled = yes;
  };
  const fits = () => {
    const file = input.files[0];
    refuse(file && file.size > Number(form.dataset.most) ? `This one has ${size(file.size)}. ${form.dataset.tooLarge}` : "");
    return !why.textContent;
  };

  droppable(form, input);
  input.addEventListener("change", fits);
  sending.querySelector("[data-cancel]").addEventListener("click", () => request?.abort());
  addEventListener("beforeunload", (event) => { if (request) event.preventDefault(); });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (request || !input.files.length || !fits()) return;
    request = new XMLHttpRequest();
    const over = (words) => {
      request = null;
      busy(false);
      refuse(words);
    };
    request.open("POST", form.action || location.href);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = total ? (loaded / total) * 100 : 0;
      sent.textContent = loaded < total ? `${size(loaded)} of ${size(total)}` : "Looking at it…";
    });
    request.addEventListener("load", () => {
      const answer = told(request);
      if (answer.location) {
        request = null;
        location.assign(answer.location);
      } else over(answer.message ?? answer.detail ?? `It was not taken (${request.status}). Reload the page and try again.`);
    });
    request.addEventListener("error", () => over("The console did not answer. Nothing was imported; try again."));
    request.addEventListener("abort", () => over("Cancelled. Nothing was kept."));
    bar.value = 0;
    busy(true);
    request.send(new FormData(form));
  });
}

function told(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {};
  }
}

document.querySelectorAll("form[data-upload]").forEach(sends);

let open = new Set();
let focused = "";
document.addEventListener("htmx:beforeSwap", ({ target }) => {
  if (target.id !== "mapping") return;
  open = new Set([...target.querySelectorAll("details[open]")].map((part) => part.dataset.key));
  focused = target.contains(document.activeElement) ? document.activeElement.id : "";
});
document.addEventListener("htmx:afterSwap", () => {
  for (const part of document.querySelectorAll("#mapping details")) part.open = open.has(part.dataset.key);
  if (focused) document.getElementById(focused)?.focus();
  focused = "";
});
