// Which extensions are shown, and in which order; nothing here knows the page.

import { ALL } from './place.js';
import { byTier } from './tiers.js';

export const NO_CATEGORY = 'Uncategorized';

const NAMES = new Intl.Collator('en', { sensitivity: 'base', numeric: true });
const ORDERS = {
  name: () => 0,
  updated: (one, other) => other.updated.localeCompare(one.updated),
  downloads: (one, other) => other.downloads - one.downloads,
  tier: byTier,
};

/** An extension as the pages use it, from an item of the registry; what is missing is an empty text. */
export function fromItem(item) {
  const meta = item.meta;
  const texts = {};
  for (const key of ['description', 'category', 'contributors', 'homepage', 'icon_url', 'repository_url', 'revision',
    'license', 'development_status', 'keywords', 'release']) texts[key] = String(meta[key] || '').trim();
  return {
    ...texts,
    id: item._id, name: String(meta.baseName), os: meta.os, arch: meta.arch, build: meta.app_revision,
    category: texts.category || NO_CATEGORY, tier: wholeNumber(meta.tier),
    updated: item.updated || item.created, downloads: item.downloads || 0, size: item.size || 0,
    screenshots: words(meta.screenshots), dependencies: names(meta.dependency), recommends: names(meta.recommends),
    search: folded([meta.baseName, meta.description, meta.keywords, meta.contributors].join('\n')),
  };
}

// What was stored by other programs may be a text.
function wholeNumber(value) {
  return ['number', 'string'].includes(typeof value) && /^-?\d+$/.test(String(value).trim()) ? Number(value) : null;
}

// As the registry searches: in any case, with or without accents, composed or not.
function folded(text) {
  return text.toLowerCase().replace(/ß/g, 'ss').normalize('NFD').replace(/\p{Mn}/gu, '').normalize('NFC');
}

function words(text) {
  return String(text || '').split(/\s+/).filter(Boolean);
}

function names(text) {
  return words(text).filter((name) => name !== 'NA');
}

/** The main categories of `extensions` with numbers, by name; what follows a dot is a subcategory. */
export function categories(extensions) {
  const counts = new Map();
  for (const { category } of extensions) {
    const main = category.split('.')[0];
    counts.set(main, (counts.get(main) || 0) + 1);
  }
  return [...counts].map(([name, count]) => ({ name, count })).sort((one, other) => (
    (one.name === NO_CATEGORY) - (other.name === NO_CATEGORY) || NAMES.compare(one.name, other.name)));
}

/** Those that have every word of the search, in any order, as the registry searches. */
export function searched(extensions, text) {
  const wanted = words(folded(text));
  return extensions.filter((one) => wanted.every((word) => one.search.includes(word)));
}

/** Those of a category, with its subcategories. */
export function inCategory(extensions, category) {
  if (category === ALL) return extensions;
  return extensions.filter((one) => one.category === category || one.category.startsWith(`${category}.`));
}

/** `extensions` by `sort`, one of `SORTS`; those that are equal in that by name. */
export function sorted(extensions, sort) {
  return [...extensions].sort((one, other) => ORDERS[sort](one, other) || NAMES.compare(one.name, other.name));
}
