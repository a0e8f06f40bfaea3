// @ts-check
// Addresses of the catalog: /catalog/CATEGORY/REVISION/SYSTEM?arch=&q=&tier=&sort=&app=, and those of extensions:
// /extension/NAME?revision=&os=&arch=&category=&q=&tier=&sort=&app=

import { ROOT } from '../api.js';
import { ORDERS } from './popular.js';
import { LEVELS } from './tiers.js';

/**
 * What the page shows.
 *
 * @typedef {object} Place
 * @property {string} category
 * @property {string | null} revision of the application
 * @property {string | null} os
 * @property {string | null} arch
 * @property {string} q text of the search
 * @property {number | null} tier lowest tier
 * @property {string | null} sort one of `SORTS`
 * @property {string | null} extension name of the one that is shown alone
 * @property {string | null} app id of the application
 */

export const ALL = 'All';
export const RELEVANCE = 'relevance';
export const SORTS = [RELEVANCE, 'name', ...Object.keys(ORDERS), 'updated', 'downloads', 'tier'];

// Names that browsers, servers or proxies would change in a path: slashes, escapes, and names of folders.
const UNUSUAL = /[/\\%]|^\.+$/;

/**
 * Read an address, by default that of the window.
 *
 * @param {{pathname: string, search: string}} location
 * @returns {Place & {sort: string}}
 */
export function read(location = window.location) {
  const query = new URLSearchParams(location.search);
  const q = (query.get('q') || '').trim();
  const sort = query.get('sort') || '';
  const level = LEVELS.find(({ tier }) => String(tier) === query.get('tier'));
  return {
    ...(below('extension', location) ? ofExtension(location, query) : ofList(location, query)),
    arch: (query.get('arch') || '').toLowerCase() || null,
    q,
    sort: SORTS.includes(sort) && (q || sort !== RELEVANCE) ? sort : usualSort(q),
    tier: level ? level.tier : null,
    app: query.get('app') || null,
  };
}

/**
 * The order of a list if the address names none.
 *
 * @param {string} q
 */
export const usualSort = (q) => (q ? RELEVANCE : 'name');

/**
 * `place` with the search `q`, in the usual order if that is the order now.
 *
 * @param {Place} place
 * @param {string} q
 */
export function searching(place, q) {
  return { ...place, q, sort: place.sort === usualSort(place.q) ? usualSort(q.trim()) : place.sort, extension: null };
}

/**
 * The parts of the path below a page; `null` at other pages.
 *
 * @param {string} page
 * @param {{pathname: string}} location
 */
function below(page, location) {
  const home = new URL(page, ROOT).pathname;
  const { pathname } = location;
  if (pathname !== home && !pathname.startsWith(`${home}/`)) return null;
  return pathname.slice(home.length).split('/').filter(Boolean).map(plain);
}

/**
 * @param {{pathname: string}} location
 * @param {URLSearchParams} query
 */
function ofList(location, query) {
  const [category, revision, os] = below('catalog', location) || [];
  return {
    category: category || ALL,
    revision: revision || null,
    os: os || query.get('os') || null,
    extension: query.get('extension') || null,
  };
}

/**
 * @param {{pathname: string}} location
 * @param {URLSearchParams} query
 */
function ofExtension(location, query) {
  const name = (below('extension', location) || []).join('/') || query.get('name');
  return {
    category: query.get('category') || ALL,
    revision: query.get('revision') || null,
    os: query.get('os') || null,
    extension: name || null,
  };
}

/**
 * The address of `place`: the inverse of `read`.
 *
 * @param {Place} place
 */
export function write(place) {
  const query = new URLSearchParams();
  const path = place.extension ? pathOfExtension(place, query) : pathOfList(place);
  for (const key of /** @type {const} */ (['arch', 'q', 'tier', 'app'])) {
    if (place[key]) query.set(key, String(place[key]));
  }
  if (place.sort && place.sort !== usualSort(place.q)) query.set('sort', place.sort);
  const text = String(query);
  return new URL(`${path}${text ? `?${text}` : ''}`, ROOT).href;
}

/** @param {Place} place */
function pathOfList({ category, revision, os }) {
  if (revision && os) return `catalog/${[category, revision, os].map(escaped).join('/')}`;
  return category === ALL ? 'catalog' : `catalog/${escaped(category)}`;
}

/**
 * @param {Place} place
 * @param {URLSearchParams} query gets what is not in the path
 */
function pathOfExtension({ extension, category, revision, os }, query) {
  const name = extension || '';
  const isPlain = !UNUSUAL.test(name);
  if (!isPlain) query.set('name', name);
  if (revision) query.set('revision', revision);
  if (os) query.set('os', os);
  if (category !== ALL) query.set('category', category);
  return isPlain ? `extension/${encodeURIComponent(name)}` : 'extension';
}

// Servers and proxies decode an escaped slash, so it is escaped twice.
/** @param {string} text */
function escaped(text) {
  return encodeURIComponent(text.replace(/\//g, '%2F'));
}

/** @param {string} text */
function plain(text) {
  try {
    return decodeURIComponent(text).replace(/%2F/gi, '/');
  } catch {
    return text;
  }
}
