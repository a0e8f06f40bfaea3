// Elements without markup in texts: whatever is put in is a text or an element.

/**
 * A new element.
 *
 * @param {string} name of the element, with classes after dots: `p.muted`
 * @param {Object} properties attributes by name, `null` and `false` leave one out, and listeners: `onclick`
 * @param {...(Node|string|null|Array)} content
 */
export function element(name, properties = {}, ...content) {
  const [tag, ...classes] = name.split('.');
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(' ');
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  fill(made, ...content);
  return made;
}

/** Put `content` into `parent`, in the place of what was there. */
export function fill(parent, ...content) {
  parent.textContent = '';
  parent.append(...content.flat().filter((one) => one !== null && one !== undefined && one !== false));
}

/** The address if it is one of the web, else `null`: what extensions name may be anything. */
export function webAddress(text) {
  try {
    const address = new URL(text);
    return ['http:', 'https:'].includes(address.protocol) ? address.href : null;
  } catch (error) {
    return null;
  }
}
