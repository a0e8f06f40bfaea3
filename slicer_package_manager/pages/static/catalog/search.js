// @ts-check
// The search in a build. The server ranks what it finds, so that pages, scripts and programs find the same.

import { APP, get } from '../api.js';
import { fill } from '../dom.js';
import { marked } from '../texts.js';
import { RELEVANCE } from './place.js';

/** Pause after the last letter of a search, in milliseconds. */
const PAUSE = 150;

/** What was found last, for the way back. @type {Map<string, string[]>} */
const known = new Map();

/** @typedef {{revision: string, os: string, arch: string | null}} Build */

/** @param {Build} build @param {string} q */
const keyOf = ({ revision, os, arch }, q) => JSON.stringify([revision, os, arch, q]);

/**
 * Note what the server has found for the page.
 *
 * @param {import('./inline.js').Inline} inline
 */
export function remember({ place, q, found }) {
  if (q && found) known.set(keyOf(place, q), found);
}

/**
 * The ids of the extensions of `build` that a search finds, the best match first.
 *
 * @param {Build} build
 * @param {string} q
 * @param {() => boolean} isOver whether the page shows something else by now
 * @returns {Promise<string[] | null>} `null` without a search, or if it is over
 */
export async function search(build, q, isOver) {
  const key = keyOf(build, q);
  if (!q || known.has(key)) return known.get(key) || null;
  await new Promise((resolve) => window.setTimeout(resolve, PAUSE));
  if (isOver()) return null;
  const { revision, os, arch } = build;
  const parameters = { app_revision: revision, os, arch, q, sort: RELEVANCE, limit: 0 };
  const found = /** @type {Registry.Item[]} */ (await get(`app/${APP}/extension`, parameters)).map((item) => item._id);
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
