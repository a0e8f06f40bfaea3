import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as selection from '../../slicer_package_manager/pages/static/catalog/selection.js';

/** @param {object} meta @param {object} more @returns {Registry.Item} */
function item(meta = {}, more = {}) {
  const known = { app_id: 'a', baseName: 'IGT', os: 'linux', arch: 'amd64', app_revision: '1' };
  return { _id: '1', created: '2026-01-01', updated: '', ...more, meta: { ...known, ...meta } };
}

/** @param {string} name @param {object} meta @param {object} more */
const extension = (name, meta = {}, more = {}) => selection.fromItem(item({ baseName: name, ...meta }, more));

/** @param {selection.Extension[]} extensions */
const names = (extensions) => extensions.map(({ name }) => name);

test('an item without metadata has empty texts', () => {
  const found = selection.fromItem(item());
  assert.equal(found.category, selection.NO_CATEGORY);
  assert.deepEqual([found.description, found.tier, found.size, found.downloads], ['', null, 0, 0]);
  assert.deepEqual([found.screenshots, found.dependencies, found.updated], [[], [], '2026-01-01']);
});

test('a tier may be a text, but not just anything', () => {
  const tiers = [5, '5', ' 3 ', '-1', '', 'NA', '1.5', true, [5], null];
  const found = tiers.map((tier) => selection.fromItem(item({ tier })).tier);
  assert.deepEqual(found, [5, 5, 3, -1, null, null, null, null, null, null]);
});

test('NA names no dependency', () => {
  const found = selection.fromItem(item({ dependency: ' NA ', recommends: 'A  B' }));
  assert.deepEqual([found.dependencies, found.recommends], [[], ['A', 'B']]);
});

test('what a search finds is in the order of its ids, and some may be gone', () => {
  const all = ['1', '2', '3'].map((id) => extension(`E${id}`, {}, { _id: id }));
  assert.deepEqual(names(selection.matching(all, ['3', 'x', '1'])), ['E3', 'E1']);
  assert.deepEqual(names(selection.sorted(selection.matching(all, ['3', '1']), 'relevance')), ['E3', 'E1']);
  assert.deepEqual(selection.matching(all, null), all);
});

test('categories have the numbers of their subcategories, and extensions without one come last', () => {
  const all = ['IGT.Tools', 'IGT', '', 'Converters'].map((category, index) => extension(`E${index}`, { category }));
  assert.deepEqual(selection.categories(all), [
    { name: 'Converters', count: 1 },
    { name: 'IGT', count: 2 },
    { name: selection.NO_CATEGORY, count: 1 },
  ]);
  assert.deepEqual(names(selection.inCategory(all, 'IGT')), ['E0', 'E1']);
  assert.deepEqual(selection.inCategory(all, 'IG'), []);
  assert.equal(selection.inCategory(all, 'All').length, 4);
});

test('equal extensions are in the order of their names, numbers as numbers', () => {
  const all = [
    extension('T10', { tier: 5 }, { updated: '2026-02-01', downloads: 1 }),
    extension('T9', { tier: 5 }, { updated: '2026-01-01', downloads: 2 }),
    extension('a', { tier: 1 }, { updated: '2026-03-01', downloads: 2 }),
  ];
  assert.deepEqual(names(selection.sorted(all, 'name')), ['a', 'T9', 'T10']);
  assert.deepEqual(names(selection.sorted(all, 'updated')), ['a', 'T10', 'T9']);
  assert.deepEqual(names(selection.sorted(all, 'downloads')), ['a', 'T9', 'T10']);
  assert.deepEqual(names(selection.sorted(all, 'tier')), ['T9', 'T10', 'a']);
  assert.deepEqual(names(selection.sorted(all, 'popular', ['x', 'T10'])), ['T10', 'a', 'T9']);
  assert.deepEqual(names(selection.sorted(all, 'popular', [])), ['a', 'T9', 'T10']);
});
