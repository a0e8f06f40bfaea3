// @ts-check
// Elements made of texts and other elements, never of HTML: no name, description or message becomes markup.

/** Attributes whose present value is a property of the element. */
const PROPERTIES = ['value', 'checked', 'disabled', 'selected', 'required'];

/**
 * Make an element.
 *
 * @template {string} N
 * @param {N} name tag, with classes after dots: `p.muted`
 * @param {Object<string, unknown>} properties attributes by name; listeners by `onclick` and so on. `null`, `undefined` and
 *   `false` leave an attribute out.
 * @param {...Content} content
 * @returns {ElementNamed<N>}
 */
export function element(name, properties = {}, ...content) {
  const [tag, ...classes] = name.split('.');
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(' ');
  for (const [key, value] of Object.entries(properties)) setProperty(made, key, value);
  fill(made, ...content);
  return /** @type {ElementNamed<N>} */ (/** @type {unknown} */ (made));
}

/**
 * @param {HTMLElement} made
 * @param {string} key
 * @param {unknown} value
 */
function setProperty(made, key, value) {
  if (value === null || value === undefined) return;
  if (typeof value === 'function') made.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
  else if (PROPERTIES.includes(key)) Object.assign(made, { [key]: value });
  else if (value !== false) made.setAttribute(key, value === true ? '' : String(value));
}

/**
 * Replace what is in `parent` with `content`; `null`, `undefined` and `false` are left out.
 *
 * @param {Element} parent
 * @param {...Content} content
 */
export function fill(parent, ...content) {
  // Slicer's browser (Qt 5.15.2, Chromium 83) has no `replaceChildren`.
  parent.textContent = '';
  parent.append(...nodes(content));
}

/**
 * @param {readonly Content[]} content
 * @returns {(Node | string)[]}
 */
function nodes(content) {
  return content.flatMap((one) => {
    if (one === null || one === undefined || one === false) return [];
    if (one instanceof Node) return [one];
    return typeof one === 'object' ? nodes(one) : [String(one)];
  });
}

/**
 * The element of the page with an id.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type class of the element
 * @returns {T}
 * @throws {Error} the page has none of this class
 */
export function byId(id, type = /** @type {new () => T} */ (HTMLElement)) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no element "${id}".`);
  return found;
}

/**
 * A URL with `http:` or `https:`, normalized; `null` for all other texts, since extensions may name anything.
 *
 * @param {string} text
 */
export function webAddress(text) {
  try {
    const address = new URL(text);
    return ['http:', 'https:'].includes(address.protocol) ? address.href : null;
  } catch {
    return null;
  }
}

/**
 * The message of whatever was thrown.
 *
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
