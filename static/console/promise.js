// The Promise tab fetches its parts itself (htmx). Here: charts are drawn once a part is there, and one part follows
// the other, so that the search for ladders does not make the certificate wait.
document.addEventListener("htmx:afterSwap", (event) => {
  const part = event.detail.target?.id;
  if (part !== "promise-labels" && part !== "promise-ladders") return;
  document.body.dispatchEvent(new CustomEvent("refreshed"));
  if (part === "promise-labels" && !event.detail.target.querySelector(".waiting")) document.body.dispatchEvent(new CustomEvent("labelled"));
});

// A part that failed says so in its own place, and the other one is still worth asking for.
for (const failed of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(failed, (event) => {
    const place = event.detail.elt?.closest?.("#promise-labels, #promise-ladders");
    if (!place) return;
    const said = place.querySelector("[role=status]");
    if (said) said.textContent = "Not there: reload the page to try again";
    place.querySelectorAll("progress").forEach((bar) => bar.remove());
    if (place.id === "promise-labels") document.body.dispatchEvent(new CustomEvent("labelled"));
  });
}
