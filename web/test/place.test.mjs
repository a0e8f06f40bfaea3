import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL, read, searching, write } from '../../slicer_package_manager/pages/static/catalog/place.js';

const PLACE = {
  category: 'Segmentation',
  revision: '33241',
  os: 'linux',
  arch: 'amd64',
  q: 'a b',
  sort: 'downloads',
  tier: 3,
  extension: 'SlicerIGT',
  app: '5f4474d0e1d8c75dfc705482',
};

/** @param {string} path */
const at = (path) => read(new URL(path, 'https://example.org/x/'));

test('an address that names nothing shows all extensions by name', () => {
  for (const path of ['catalog', 'catalog/']) {
    assert.deepEqual(at(path), {
      category: ALL,
      revision: null,
      os: null,
      arch: null,
      q: '',
      sort: 'name',
      tier: null,
      extension: null,
      app: null,
    });
  }
});

test('what is written is read again', () => {
  for (const category of ['Segmentation', 'IGT/Tools', 'a%2Fb', '100 %', 'ünï?#&']) {
    const place = { ...PLACE, extension: null, category };
    // A slash and its escaped form are the same for addresses.
    assert.deepEqual(at(write(place)), { ...place, category: category.replace('%2F', '/') });
  }
});

test('the list has an address without the extension', () => {
  const place = { ...PLACE, extension: null };
  assert.equal(
    write(place),
    'https://example.org/x/catalog/Segmentation/33241/linux?arch=amd64&q=a+b&tier=3&app=5f4474d0e1d8c75dfc705482&sort=downloads',
  );
  assert.deepEqual(at(write(place)), place);
});

test('an extension has an address of its own, and unusual names are in its query', () => {
  assert.equal(
    write({ ...at('catalog/All/33241/linux'), extension: 'SlicerIGT' }),
    'https://example.org/x/extension/SlicerIGT?revision=33241&os=linux',
  );
  for (const extension of ['a/b', 'a%2Fb', '100 %', '..', 'ü?#&', 'a\\b']) {
    assert.deepEqual(at(write({ ...PLACE, extension })), { ...PLACE, extension });
  }
  assert.equal(at('catalog/All/33241/linux?extension=SlicerIGT').extension, 'SlicerIGT');
  assert.equal(at('catalog?os=win').os, 'win');
});

test('an address without a build has no path', () => {
  assert.equal(write(searching(at('catalog'), 'x')), 'https://example.org/x/catalog?q=x');
});

test('the usual order is not written, and is another one for what a search finds', () => {
  const list = 'https://example.org/x/catalog/All/33241/linux';
  assert.equal(write(at('catalog/All/33241/linux?sort=name')), list);
  assert.equal(write(at('catalog/All/33241/linux?q=x&sort=relevance')), `${list}?q=x`);
  assert.equal(at('catalog?sort=relevance').sort, 'name');
  assert.equal(at('catalog?q=x').sort, 'relevance');
  assert.equal(write(searching(at('catalog/All/33241/linux?q=x'), '')), list);
  assert.equal(write(searching(at('catalog/All/33241/linux?sort=tier'), 'x')), `${list}?q=x&sort=tier`);
  assert.equal(write(searching(at('catalog/All/33241/linux?q=x&sort=name'), 'y')), `${list}?q=y&sort=name`);
});

test('unknown orders, tiers and broken escapes are ignored', () => {
  const place = at('catalog/All/33241/linux?sort=evil&tier=2&arch=AMD64');
  assert.deepEqual([place.sort, place.tier, place.arch], ['name', null, 'amd64']);
  assert.equal(at('catalog/%E0%A4%A/33241/linux').category, '%E0%A4%A');
});
