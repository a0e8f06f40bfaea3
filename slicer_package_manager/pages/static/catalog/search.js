// @ts-check
// The search in a build. The server ranks what it finds, so that pages, scripts and programs find the same.

import { APP, getWithHeaders } from '../api.js';
import { fill } from '../dom.js';
import { marked } from '../texts.js';
import { RELEVANCE } from './place.js';

/** Pause after the last letter of a search, in milliseconds. */
const PAUSE = 150;

/** @typedef {{ids: string[], suggestion: string}} Found the best match first, and the search that was probably meant */

/** What was found last, for the way back. @type {Map<string, Found>} */
const known = new Map();

/** @typedef {{revision: string, os: string, arch: string | null}} Build */

/** @param {Build} build @param {string} q */
const keyOf = ({ revision, os, arch }, q) => JSON.stringify([revision, os, arch, q]);

/**
 * Note what the server has found for the page.
 *
 * @param {import('./inline.js').Inline} inline
 */
export function remember({ place, q, found, suggestion = '' }) {
  if (q && found) known.set(keyOf(place, q), { ids: found, suggestion });
}

/**
 * The ids of the extensions of `build` that a search finds.
 *
 * @param {Build} build
 * @param {string} q
 * @param {() => boolean} isOver whether the page shows something else by now
 * @returns {Promise<Found | null>} `null` without a search, or if it is over
 */
export async function search(build, q, isOver) {
  const key = keyOf(build, q);
  if (!q || known.has(key)) return known.get(key) || null;
  await new Promise((resolve) => window.setTimeout(resolve, PAUSE));
  if (isOver()) return null;
  const { revision, os, arch } = build;
  const parameters = { app_revision: revision, os, arch, q, sort: RELEVANCE, limit: 0 };
  const { content, headers } = await getWithHeaders(`app/${APP}/extension`, parameters);
  const found = {
    ids: /** @type {Registry.Item[]} */ (content).map((item) => item._id),
    suggestion: decodeURIComponent(headers.get('Slicer-Search-Suggestion') || ''),
  };
  known.set(key, found);
  return found;
}

/**
 * Mark the words of a search in a card.
 *
 * @param {HTMLElement} card
 * @param {string} q
 */
export function mark(card, q) {
  if (!q && !card.querySelector('mark')) return;
  for (const place of card.querySelectorAll('h2 a, .description')) {
    if (!place.querySelector('.muted')) fill(place, marked(place.textContent || '', q));
  }
}
