// Keep "2 h ago" true while a page stands open. The exact time is the element's title; the server wrote both.
const STEPS = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [14 * 86400, 86400, "days"]];

function words(moment) {
  const age = (Date.now() - Date.parse(moment)) / 1000;
  if (age < 2) return "just now";
  for (const [limit, unit, word] of STEPS) {
    if (age < limit) {
      const count = Math.floor(age / unit);
      return `${count} ${word === "days" && count === 1 ? "day" : word} ago`;
    }
  }
  return null; // old enough to be a date, which the server wrote
}

export function freshen(root) {
  for (const element of root.querySelectorAll("time[data-ago]")) {
    const text = words(element.dateTime);
    if (text && element.textContent !== text) element.textContent = text;
  }
}

freshen(document);
setInterval(() => freshen(document), 10_000);
