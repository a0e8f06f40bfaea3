// @ts-check
// Secrets that the server shows once, with what to do with them.

import { offerCopies } from '../copy.js';
import { element } from '../dom.js';

/** @param {string} text */
const copied = (text) =>
  element(
    'p.spm-copied',
    {},
    element('code', {}, text),
    element('button.btn.btn-sm.btn-default.copy', { type: 'button', hidden: true }, 'Copy'),
  );

/**
 * A box with texts to copy, the first of which is the secret.
 *
 * @param {string} label
 * @param {[about: Content, text: string][]} steps
 */
export function shownOnce(label, steps) {
  const status = element('span', { role: 'status' });
  const place = element(
    'section.alert.alert-success',
    { id: 'spm-made', tabindex: -1, 'aria-label': label },
    steps.map(([about, text]) => [element('p', {}, about), copied(text)]),
    status,
  );
  offerCopies(place, (text) => {
    status.textContent = text;
  });
  return place;
}

/**
 * Move the focus to the box in `place`, and scroll to it.
 *
 * @param {Element} place
 */
export function focusSecret(place) {
  const box = /** @type {HTMLElement | null} */ (place.querySelector('#spm-made'));
  // Closing dialogs give the focus back.
  if (box) window.girder.$('#g-dialog-container').one('hidden.bs.modal', () => box.focus());
}
