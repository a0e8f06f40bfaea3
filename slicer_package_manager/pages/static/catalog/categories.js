// @ts-check
// Categories: links beside the list of extensions, and a choice on narrow screens.

import { byId, element, fill } from '../dom.js';
import { ALL } from './place.js';
import { categories } from './selection.js';

/**
 * Show the categories with the numbers of extensions that the search and the filter leave; none that is empty.
 *
 * @param {import('./selection.js').Extension[]} found
 * @param {string} current
 * @param {import('./explain.js').To} to
 */
export function showCategories(found, current, to) {
  const rows = [{ name: ALL, count: found.length }, ...categories(found)];
  const focused = document.activeElement?.closest('#categories a')?.getAttribute('data-name');
  fill(
    byId('categories'),
    rows.map(({ name, count }) => element('li', {}, link(name, count, name === current, to))),
  );
  fill(
    byId('category'),
    rows.map(({ name, count }) => option(name, count, name === current)),
  );
  if (focused !== undefined && focused !== null) {
    [...byId('categories').querySelectorAll('a')].find((one) => one.dataset.name === focused)?.focus();
  }
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
      'data-name': name,
      'aria-current': isCurrent ? 'page' : null,
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
