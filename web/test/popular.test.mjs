import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOrder } from '../../slicer_package_manager/pages/static/catalog/popular.js';

/**
 * @param {string} baseName
 * @param {number} now
 * @param {number} before
 * @param {string | null} changed
 */
const row = (baseName, now, before, changed = null) => ({
  baseName,
  last_30_days: now,
  previous_30_days: before,
  new: '2026-11-01T00:00:00+00:00',
  changed,
});

test('extensions are in the order of their popularity, and equal ones in that of their names', () => {
  const rows = [row('b', 5, 9), row('a', 5, 1, '2026-11-02T00:00:00+00:00'), row('c', 7, 7)];
  assert.deepEqual(inOrder(rows, 'popular'), ['c', 'a', 'b']);
  assert.deepEqual(inOrder(rows, 'trending'), ['a', 'c', 'b']);
  assert.deepEqual(inOrder(rows, 'new'), ['a', 'b', 'c']);
  assert.deepEqual(inOrder(rows, 'changed'), ['a', 'b', 'c']);
});
