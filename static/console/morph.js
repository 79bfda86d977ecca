// Make one element equal to another by changing only what differs: what is focused, typed, open or hovered stays.
const KEPT = { DETAILS: ["open"], DIALOG: ["open"], INPUT: ["value", "checked"], BUTTON: ["aria-busy"], TIME: ["title"] };
const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "");
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

export function morph(now, next) {
  if (now.isEqualNode(next)) return;
  if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.nodeValue !== next.nodeValue) now.nodeValue = next.nodeValue;
    return;
  }
  if (now.hasAttribute("data-keep")) return;
  attributes(now, next);
  if (now.nodeName !== "TEXTAREA" && now.nodeName !== "SELECT") children(now, next);
}

function attributes(now, next) {
  const kept = now.type === "hidden" ? [] : KEPT[now.nodeName] ?? [];
  for (const { name, value } of next.attributes) {
    if (!kept.includes(name) && now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  for (const { name } of [...now.attributes]) {
    if (!kept.includes(name) && !next.hasAttribute(name)) now.removeAttribute(name);
  }
}

function children(now, next) {
  const keyed = new Map([...now.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
  const staying = new Set([...next.childNodes].map(keyOf).filter(Boolean));
  let at = now.firstChild;
  for (const wanted of [...next.childNodes]) {
    const named = keyOf(wanted) && keyed.get(keyOf(wanted));
    // What goes anyway goes first: a node that is moved loses the focus that it holds.
    while (named && at && at !== named && !staying.has(keyOf(at))) {
      const following = at.nextSibling;
      at.remove();
      at = following;
    }
    if (named && named !== at && alike(named, wanted)) {
      now.insertBefore(named, at);
      morph(named, wanted);
    } else if (at && alike(at, wanted)) {
      const following = at.nextSibling;
      morph(at, wanted);
      at = following;
    } else {
      now.insertBefore(document.importNode(wanted, true), at);
    }
  }
  while (at) {
    const following = at.nextSibling;
    at.remove();
    at = following;
  }
}
