// What the address of the page says: /catalog/CATEGORY/REVISION/SYSTEM?arch=&q=&tier=&sort=&extension=&app=

import { ROOT } from '../api.js';
import { LEVELS } from './tiers.js';

export const ALL = 'All';
export const SORTS = ['name', 'updated', 'downloads', 'tier'];
const HOME = new URL('catalog', ROOT).pathname;

/** What is shown, from the address of the window. */
export function read() {
  const [category, revision, os] = window.location.pathname.slice(HOME.length).split('/').filter(Boolean).map(plain);
  const query = new URLSearchParams(window.location.search);
  return {
    category: category || ALL, revision: revision || null, os: os || null, arch: (query.get('arch') || '').toLowerCase() || null,
    q: query.get('q') || '', sort: SORTS.includes(query.get('sort')) ? query.get('sort') : SORTS[0],
    tier: LEVELS.map(({ tier }) => tier).find((tier) => String(tier) === query.get('tier')) || null,
    extension: query.get('extension') || null, app: query.get('app') || null,
  };
}

/** The address of `place`, which is like the answer of `read`. */
export function write(place) {
  const parts = [place.category, place.revision, place.os];
  const path = parts.every(Boolean) ? `/${parts.map(escaped).join('/')}` : '';
  const query = new URLSearchParams();
  for (const key of ['arch', 'q', 'tier', 'extension', 'app']) if (place[key]) query.set(key, place[key]);
  if (place.sort && place.sort !== SORTS[0]) query.set('sort', place.sort);
  const text = String(query);
  return new URL(`catalog${path}${text ? `?${text}` : ''}`, ROOT).href;
}

// Servers and proxies take an escaped slash for a slash, so it is escaped twice.
function escaped(text) {
  return encodeURIComponent(text.replace(/\//g, '%2F'));
}

function plain(text) {
  try {
    return decodeURIComponent(text).replace(/%2F/gi, '/');
  } catch (error) {
    return text;
  }
}
