// Making and changing elements. Text only ever becomes text.

/// An element with properties, attributes (`data-…`, `aria-…`) and children; strings become text.
export function el(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name.includes("-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/// A key of the keyboard, for the eye.
export function key(letter) {
  return el("kbd", { "aria-hidden": "true" }, letter);
}

/// Changes a node's text only if it is another one: screen readers read out what changes.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/// Makes the children of `list` those of `items`, in their order: a child stays while `id(item)` stays, `make(item)` makes a
/// new one, and `change(node, item)` brings it up to date.
export function keep(list, items, id, make, change) {
  const old = new Map([...list.children].map((node) => [node.dataset.keep, node]));
  const nodes = items.map((item) => {
    const name = String(id(item));
    const node = old.get(name) ?? make(item);
    node.dataset.keep = name;
    change(node, item);
    return node;
  });
  for (const node of list.children) if (!nodes.includes(node)) node.remove();
  nodes.forEach((node, at) => {
    if (list.children[at] !== node) list.insertBefore(node, list.children[at] ?? null);
  });
}

/// Minutes and seconds of the call.
export function clock(value, digits = 1) {
  const s = value / 1000;
  const minutes = Math.floor(s / 60);
  return `${minutes}:${(s - minutes * 60).toFixed(digits).padStart(digits > 0 ? 3 + digits : 2, "0")}`;
}
