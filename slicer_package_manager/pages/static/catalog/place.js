// @ts-check
// Addresses of the catalog: /catalog/CATEGORY/REVISION/SYSTEM?arch=&q=&tier=&sort=&extension=&app=

import { ROOT } from '../api.js';
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
export const SORTS = ['name', 'updated', 'downloads', 'tier'];

/**
 * Read an address, by default that of the window.
 *
 * @param {{pathname: string, search: string}} location
 * @returns {Place & {sort: string}}
 */
export function read(location = window.location) {
  const home = new URL('catalog', ROOT).pathname;
  const [category, revision, os] = location.pathname.slice(home.length).split('/').filter(Boolean).map(plain);
  const query = new URLSearchParams(location.search);
  const sort = query.get('sort') || '';
  const level = LEVELS.find(({ tier }) => String(tier) === query.get('tier'));
  return {
    category: category || ALL,
    revision: revision || null,
    os: os || null,
    arch: (query.get('arch') || '').toLowerCase() || null,
    q: query.get('q') || '',
    sort: SORTS.includes(sort) ? sort : SORTS[0],
    tier: level ? level.tier : null,
    extension: query.get('extension') || null,
    app: query.get('app') || null,
  };
}

/**
 * The address of `place`: the inverse of `read`.
 *
 * @param {Place} place
 */
export function write(place) {
  const { category, revision, os } = place;
  const path = category && revision && os ? `/${[category, revision, os].map(escaped).join('/')}` : '';
  const query = new URLSearchParams();
  for (const key of /** @type {const} */ (['arch', 'q', 'tier', 'extension', 'app'])) {
    if (place[key]) query.set(key, String(place[key]));
  }
  if (place.sort && place.sort !== SORTS[0]) query.set('sort', place.sort);
  const text = String(query);
  return new URL(`catalog${path}${text ? `?${text}` : ''}`, ROOT).href;
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
