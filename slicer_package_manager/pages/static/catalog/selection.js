// @ts-check
// Which extensions are shown, and in which order: pure functions.

import { ALL } from './place.js';
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
    search: folded([meta.baseName, meta.description, meta.keywords, meta.contributors].join('\n')),
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

/**
 * `text` without case and accents, as the registry searches.
 *
 * @param {string} text
 */
function folded(text) {
  return text
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .normalize('NFC');
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
 * Extensions with every word of the search, in any order, as the registry searches.
 *
 * @param {Extension[]} extensions
 * @param {string} text
 */
export function searched(extensions, text) {
  const wanted = words(folded(text));
  return extensions.filter((one) => wanted.every((word) => one.search.includes(word)));
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
 * Extensions in the order `sort`, one of `SORTS`; equal ones by name.
 *
 * @param {Extension[]} extensions
 * @param {string} sort
 */
export function sorted(extensions, sort) {
  return [...extensions].sort((one, other) => ORDERS[sort](one, other) || NAMES.compare(one.name, other.name));
}
