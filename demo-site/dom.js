// The one way in which this page makes elements. Text goes in as text nodes, never as markup: titles are a shop's data.

/**
 * Makes an element.
 * @param {string} tag its name, with classes as in `p.lead.big`
 * @param {Record<string, unknown>} [properties] attributes; a function becomes a listener (`onclick`), `true` an empty attribute
 * @param {...(Node | string | number | null | undefined)} children
 */
export function element(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length > 0) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, String(value));
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** The element with this id; the page is broken without it. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element \`${id}\``);
  return found;
}
