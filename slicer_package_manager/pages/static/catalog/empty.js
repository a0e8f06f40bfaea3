// @ts-check
// Why the list is empty: the build has no extensions, the filter or the search finds none, or the category does not exist.

import { APP, get } from '../api.js';
import { byId, element, fill } from '../dom.js';
import { counted } from '../texts.js';
import { elsewhere, emptyBuild, lowerTiers } from './explain.js';
import * as places from './place.js';
import * as selection from './selection.js';
import { allBuilds } from './summaries.js';

/** Pause after the last letter of a search before other builds are searched, in milliseconds. */
const SEARCH_PAUSE = 400;

/**
 * @typedef {object} List
 * @property {places.Place} place what the address names
 * @property {selection.Extension[]} extensions all of the build
 * @property {selection.Extension[]} matching those that the search finds
 * @property {Parameters<typeof emptyBuild>[1]} build
 * @property {import('./explain.js').To} to
 * @property {() => boolean} isOver whether the page shows something else by now
 */

/**
 * Show below the empty list why it is empty, and where extensions are.
 *
 * @param {selection.Extension[]} found in all categories
 * @param {List} list
 */
export async function explain(found, list) {
  const { place, extensions, matching, build, to, isOver } = list;
  const empty = byId('empty');
  const lower = selection.inCategory(matching, place.category).length;
  if (!extensions.length) {
    const all = await allBuilds();
    if (!isOver()) fill(empty, emptyBuild(all, build, to));
  } else if (place.tier && lower) {
    fill(empty, lowerTiers(lower, to));
  } else if (place.q) {
    const link = allCategories(to, 'look at all categories');
    const others = [`${counted(found.length, 'extension')} in other categories: `, link];
    fill(empty, element('h2', {}, 'Nothing found.'), found.length > 0 && element('p', {}, others));
    await searchElsewhere(list);
  } else {
    fill(empty, element('h2', {}, `There is no category “${place.category}” here.`), allCategories(to));
  }
}

function allCategories(/** @type {List['to']} */ to, text = 'Look at all categories') {
  return element('a', { href: to({ category: places.ALL }), 'data-page': true }, text);
}

/**
 * Show what the search finds for other revisions and systems.
 *
 * @param {List} list
 */
async function searchElsewhere({ place, extensions, to, isOver }) {
  await new Promise((resolve) => window.setTimeout(resolve, SEARCH_PAUSE));
  if (isOver()) return;
  const parameters = { q: place.q, limit: 200, sort: 'updated', sortdir: -1 };
  /** @type {Registry.Item[]} */
  const items = await get(`app/${APP}/extension`, parameters).catch(() => []);
  if (isOver()) return;
  byId('empty').append(...elsewhere(items.reverse(), new Set(extensions.map((one) => one.name)), to));
}
