// @ts-check
// Orders of the list by the popularity of extensions over all builds.

import { APP, get } from '../api.js';

/**
 * @typedef {object} Popularity
 * @property {string} baseName
 * @property {number} last_30_days
 * @property {number} previous_30_days
 * @property {string | null} new
 * @property {string | null} changed
 */

/** @param {string | null} moment */
const time = (moment) => (moment ? Date.parse(moment) : 0);

/** Orders of the list, with the number of which the largest comes first. @type {Record<string, (row: Popularity) => number>} */
export const ORDERS = {
  popular: (row) => row.last_30_days,
  trending: (row) => row.last_30_days - row.previous_30_days,
  new: (row) => time(row.new),
  changed: (row) => time(row.changed),
};

/** All extensions, requested once. @type {Promise<Popularity[]> | null} */
let requested = null;

/**
 * The names of all extensions in the order `sort`; `null` for orders that need no request.
 *
 * @param {string} sort
 */
export async function namesInOrder(sort) {
  if (!ORDERS[sort]) return null;
  if (!requested) {
    requested = /** @type {Promise<Popularity[]>} */ (get(`app/${APP}/popularity`, { limit: 0 }));
    requested.catch(() => {
      requested = null;
    });
  }
  return inOrder(await requested, sort);
}

/**
 * The names of `rows` in the order `sort`; equal ones by name.
 *
 * @param {Popularity[]} rows
 * @param {string} sort
 */
export function inOrder(rows, sort) {
  const value = ORDERS[sort];
  const byName = (/** @type {Popularity} */ one, /** @type {Popularity} */ other) =>
    one.baseName < other.baseName ? -1 : 1;
  return [...rows].sort((one, other) => value(other) - value(one) || byName(one, other)).map((row) => row.baseName);
}
