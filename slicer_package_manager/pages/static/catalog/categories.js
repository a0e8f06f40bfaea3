// @ts-check
// Categories: links beside the list of extensions, and a choice on narrow screens.

import { byId, element, fill } from '../dom.js';
import { ALL } from './place.js';
import { categories } from './selection.js';

/**
 * Show all categories with the numbers of extensions that the search and the filter leave.
 *
 * @param {import('./selection.js').Extension[]} all
 * @param {import('./selection.js').Extension[]} found
 * @param {string} current
 * @param {import('./explain.js').To} to
 */
export function showCategories(all, found, current, to) {
  const counts = new Map(categories(found).map((one) => [one.name, one.count]));
  const rows = [
    { name: ALL, count: found.length },
    ...categories(all).map(({ name }) => ({ name, count: counts.get(name) || 0 })),
  ];
  fill(
    byId('categories'),
    rows.map(({ name, count }) => element('li', {}, link(name, count, name === current, to))),
  );
  fill(
    byId('category'),
    rows.map(({ name, count }) => option(name, count, name === current)),
  );
  if (!rows.some((one) => one.name === current)) byId('category').prepend(option(current, 0, true));
}

/**
 * @param {string} name
 * @param {number} count
 * @param {boolean} isCurrent
 * @param {import('./explain.js').To} to
 */
function link(name, count, isCurrent, to) {
  return element(
    'a',
    {
      href: to({ category: name }),
      'data-page': true,
      'aria-current': isCurrent ? 'page' : null,
      class: count ? null : 'none',
    },
    element('span', {}, name),
    element('span.number', {}, String(count)),
  );
}

/**
 * @param {string} name
 * @param {number} count
 * @param {boolean} selected
 */
function option(name, count, selected) {
  return element('option', { value: name, selected }, `${name} (${count})`);
}
