// @ts-check
// Which extensions are shown, and in which order: pure functions.

import { ALL, RELEVANCE } from './place.js';
import { byTier } from './tiers.js';

/** @typedef {ReturnType<typeof fromItem>} Extension */
/** @typedef {Registry.Item} Item */

export const NO_CATEGORY = 'Uncategorized';

const NAMES = new Intl.Collator('en', { sensitivity: 'base', numeric: true });
/** @type {Record<string, (one: Extension, other: Extension) => number>} */
const ORDERS = {
  name: () => 0,
  updated: (one, other) => other.updated.localeCompare(one.updated),
  downloads: (one, other) => other.downloads - one.downloads,
  tier: byTier,
};

/**
 * An extension as the pages use it; a missing text is empty.
 *
 * @param {Item} item
 */
export function fromItem(item) {
  const { meta } = item;
  const text = (/** @type {string} */ key) => String(meta[key] || '').trim();
  return {
    id: item._id,
    name: String(meta.baseName),
    os: meta.os,
    arch: meta.arch,
    build: meta.app_revision,
    revision: text('revision'),
    release: text('release'),
    description: text('description'),
    category: text('category') || NO_CATEGORY,
    tier: wholeNumber(meta.tier),
    contributors: text('contributors'),
    homepage: text('homepage'),
    icon_url: text('icon_url'),
    repository_url: text('repository_url'),
    license: text('license'),
    development_status: text('development_status'),
    keywords: text('keywords'),
    screenshots: words(meta.screenshots),
    dependencies: names(meta.dependency),
    recommends: names(meta.recommends),
    updated: item.updated || item.created,
    downloads: item.downloads || 0,
    size: item.size || 0,
  };
}

/**
 * A whole number, also from a text, since other programs may have stored one; else `null`.
 *
 * @param {unknown} value
 */
function wholeNumber(value) {
  return ['number', 'string'].includes(typeof value) && /^-?\d+$/.test(String(value).trim()) ? Number(value) : null;
}

/** @param {unknown} text */
function words(text) {
  return String(text || '')
    .split(/\s+/)
    .filter(Boolean);
}

/** @param {unknown} text */
function names(text) {
  return words(text).filter((name) => name !== 'NA');
}

/**
 * The main categories of `extensions` with their numbers, by name; the text after a dot names a subcategory.
 *
 * @param {Extension[]} extensions
 */
export function categories(extensions) {
  const counts = new Map();
  for (const { category } of extensions) {
    const main = category.split('.')[0];
    counts.set(main, (counts.get(main) || 0) + 1);
  }
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort(
      (one, other) =>
        Number(one.name === NO_CATEGORY) - Number(other.name === NO_CATEGORY) || NAMES.compare(one.name, other.name),
    );
}

/**
 * The extensions with these ids, in their order.
 *
 * @param {Extension[]} extensions
 * @param {string[] | null} ids what a search finds; `null` without a search
 */
export function matching(extensions, ids) {
  if (!ids) return extensions;
  const known = new Map(extensions.map((one) => [one.id, one]));
  return ids.flatMap((id) => known.get(id) || []);
}

/**
 * Extensions of a category and its subcategories.
 *
 * @param {Extension[]} extensions
 * @param {string} category
 */
export function inCategory(extensions, category) {
  if (category === ALL) return extensions;
  return extensions.filter((one) => one.category === category || one.category.startsWith(`${category}.`));
}

/**
 * Extensions in the order `sort`, one of `SORTS`; equal ones by name. What a search finds comes by relevance, and stays so.
 *
 * @param {Extension[]} extensions
 * @param {string} sort
 * @param {string[] | null} [names] of all extensions, in an order by popularity
 */
export function sorted(extensions, sort, names = null) {
  if (sort === RELEVANCE) return extensions;
  if (names) return byNames(extensions, names);
  return [...extensions].sort((one, other) => ORDERS[sort](one, other) || NAMES.compare(one.name, other.name));
}

/**
 * @param {Extension[]} extensions
 * @param {string[]} names in the wanted order
 */
function byNames(extensions, names) {
  const places = new Map(names.map((name, place) => [name, place]));
  const placeOf = (/** @type {Extension} */ one) => places.get(one.name) ?? names.length;
  return [...extensions].sort((one, other) => placeOf(one) - placeOf(other) || NAMES.compare(one.name, other.name));
}
