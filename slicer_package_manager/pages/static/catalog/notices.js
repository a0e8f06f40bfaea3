// @ts-check
// Short messages that disappear after some seconds.

import { byId, element } from '../dom.js';

/** Messages at a time. */
const MOST = 4;
/** Milliseconds where none are given. */
const USUAL = 4000;
const KINDS = ['warning', 'error'];

/**
 * Show a message.
 *
 * @param {string} text
 * @param {number} milliseconds
 * @param {unknown} kind `'warning'`, `'error'`, or anything else for neither
 */
export function notice(text, milliseconds, kind) {
  const place = byId('notices');
  const close = () => shown.remove();
  const shown = element(
    `div.notice${KINDS.includes(String(kind)) ? `.${kind}` : ''}`,
    { role: kind === 'error' ? 'alert' : null },
    element('p', {}, text),
    element('button', { type: 'button', 'aria-label': 'Close this message', onclick: close }, '×'),
  );
  place.append(shown);
  while (place.children.length > MOST) place.children[0].remove();
  window.setTimeout(close, milliseconds > 0 ? milliseconds : USUAL);
}
