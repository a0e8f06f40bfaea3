// @ts-check
// The page of one extension. The server draws it, at the address of the extension; here it is put into the catalog, and
// gets what needs a script: the button of Slicer.

import { NOT_OURS, request, statusText } from '../api.js';
import { offerCopies } from '../copy.js';
import { fill } from '../dom.js';
import { embedded } from './bridge.js';
import { inlineData } from './inline.js';
import { action, watchIcon } from './parts.js';
import { fromItem } from './selection.js';

const NOT_FOUND = 404;

/** @typedef {import('./inline.js').Inline} Inline */

/**
 * The page of an extension, requested from the server.
 *
 * @param {string} href
 * @returns {Promise<{content: Element, title: string, data: Inline | null}>}
 * @throws {Error} with the server's message, or what kept the request from it
 */
export async function requested(href) {
  const answer = await request(href);
  if (!answer.ok && answer.status !== NOT_FOUND) throw new Error(statusText(answer.status));
  // A document of its own: no script in it runs, and nothing is loaded.
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const content = page.getElementById('detail');
  if (!content) throw new Error(NOT_OURS);
  for (const link of content.querySelectorAll('a[href]')) {
    link.setAttribute('href', new URL(link.getAttribute('href') || '', href).href);
  }
  return { content, title: page.title, data: inlineData(page) };
}

/**
 * Put the page of an extension into `place`.
 *
 * @param {HTMLElement} place
 * @param {Element} content that was requested
 */
export function put(place, content) {
  fill(place, ...[...content.childNodes].map((one) => document.importNode(one, true)));
}

/**
 * Add what needs a script to the page of an extension in `place`.
 *
 * @param {HTMLElement} place
 * @param {Inline | null} data of the page
 * @returns {() => void} updates the button when Slicer's state of the extension changes
 */
export function enliven(place, data) {
  offerCopies(place, () => {});
  watchPictures(place);
  const button = place.querySelector('.title .action');
  const extension = data?.items.length ? fromItem(data.items[0]) : null;
  if (extension) watchIcon(place, extension);
  const update = extension && button instanceof HTMLElement ? action(extension, button).update : () => {};
  const withoutBuilds = () => {
    if (embedded()) leaveBuilds(place);
    update();
  };
  withoutBuilds();
  return withoutBuilds;
}

// Slicer installs extensions only for its own build, so inside of it there are no links to others, and no other ways to
// install one.
/** @param {HTMLElement} place */
function leaveBuilds(place) {
  for (const link of place.querySelectorAll('a[data-build]')) link.replaceWith(...link.childNodes);
  place.querySelector('.install')?.remove();
}

/** @param {HTMLElement} place */
function watchPictures(place) {
  for (const image of place.querySelectorAll('.gallery img')) {
    if (!(image instanceof HTMLImageElement)) continue;
    const remove = () => image.closest('li')?.remove();
    if (image.complete && !image.naturalWidth && image.currentSrc) remove();
    else image.addEventListener('error', remove);
  }
}
