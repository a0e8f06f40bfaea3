// Short messages that go away by themselves.

import { element } from '../dom.js';

const MOST = 4;
const USUAL = 4000;
const KINDS = { warning: 'warning', error: 'error' };

/** Show `text` for so many milliseconds; `kind` is `''`, `'warning'` or `'error'`. */
export function notice(text, milliseconds, kind) {
  const place = document.getElementById('notices');
  const close = () => shown.remove();
  const shown = element(`div.notice${kind in KINDS ? `.${KINDS[kind]}` : ''}`, { role: kind === 'error' ? 'alert' : null },
    element('p', {}, text),
    element('button', { type: 'button', 'aria-label': 'Close this message', onclick: close }, '×'));
  place.append(shown);
  while (place.children.length > MOST) place.firstElementChild.remove();
  window.setTimeout(close, milliseconds > 0 ? milliseconds : USUAL);
}
