// @ts-check
// Cards in the list of extensions.

import { element, webAddress } from '../dom.js';
import { counted, day, plainText } from '../texts.js';
import { newsChip } from './news.js';
import { action, icon, revisionLink, tierChip, watchIcon } from './parts.js';

/**
 * The card of an extension: that which the server has drawn, if it has.
 *
 * @param {import('./selection.js').Extension} extension
 * @param {string} href the extension's own page
 * @returns {import('./parts.js').Updatable}
 */
export function card(extension, href) {
  return drawn(extension) || newCard(extension, href);
}

/** @param {import('./selection.js').Extension} extension */
function drawn(extension) {
  const place = document.getElementById(`extension-${extension.id}`)?.closest('.card');
  const button = place?.querySelector('.action');
  if (!(place instanceof HTMLElement) || !(button instanceof HTMLElement)) return null;
  watchIcon(place, extension);
  return { place, update: action(extension, button).update };
}

/**
 * @param {import('./selection.js').Extension} extension
 * @param {string} href
 * @returns {import('./parts.js').Updatable}
 */
function newCard(extension, href) {
  const button = action(extension);
  const homepage = webAddress(extension.homepage);
  const id = `extension-${extension.id}`;
  const place = element(
    'li.card',
    { 'aria-labelledby': id },
    element(
      'div.head',
      {},
      icon(extension),
      element(
        'div',
        {},
        element('h2', { id }, element('a', { href, 'data-page': true, 'data-name': extension.name }, extension.name)),
        element('p.chips', {}, element('span.chip', {}, extension.category), newsChip(extension), tierChip(extension)),
      ),
    ),
    element('p.description', {}, plainText(extension.description) || element('span.muted', {}, 'No description.')),
    extension.contributors && element('p.contributors', { title: extension.contributors }, extension.contributors),
    element(
      'div.foot',
      {},
      element(
        'p.facts',
        {},
        ...[
          element('time', { datetime: extension.updated, title: 'Last update' }, day(extension.updated)),
          revisionLink(extension),
          homepage && element('a', { href: homepage, rel: 'noopener noreferrer' }, 'Homepage'),
          element('span', {}, counted(extension.downloads, 'download', 'downloads')),
        ]
          .filter(Boolean)
          .flatMap((one) => [one, ' ']),
      ),
      button.place,
    ),
  );
  return { place, update: button.update };
}
