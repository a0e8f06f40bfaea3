import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webAddress } from '../../slicer_package_manager/pages/static/dom.js';
import { counted, day, repository, shortRevision, size } from '../../slicer_package_manager/pages/static/texts.js';

test('numbers have separators and the right noun', () => {
  assert.deepEqual(
    [0, 1, 2, 1234].map((value) => counted(value, 'download')),
    ['0 downloads', '1 download', '2 downloads', '1,234 downloads'],
  );
  assert.equal(counted(2, 'ext.', 'ext.'), '2 ext.');
});

test('sizes are in units that people read', () => {
  assert.deepEqual([1, 999_499, 1_500_000, 381_234_567, 2_340_000_000].map(size), [
    '1 kB',
    '999 kB',
    '1.5 MB',
    '381.2 MB',
    '2.3 GB',
  ]);
});

test('days are in UTC, and a broken one is empty', () => {
  assert.equal(day('2026-11-01T23:59:59+00:00'), 'Nov 1, 2026');
  assert.equal(day('yesterday'), '');
});

test('only hashes are shortened', () => {
  assert.equal(shortRevision('0123456789abcdef0123'), '0123456');
  assert.equal(shortRevision('33241'), '33241');
  assert.equal(shortRevision('x'.repeat(30)).length, 20);
});

test('a repository is linked where browsers can open it', () => {
  const cases = {
    'https://github.com/a/b.git': 'https://github.com/a/b/tree/v%2F1',
    'git://github.com/a/b/': 'https://github.com/a/b/tree/v%2F1',
    'https://gitlab.com/a/b': 'https://gitlab.com/a/b/-/tree/v%2F1',
    'https://example.org/a.git': 'https://example.org/a.git',
    'git@github.com:a/b.git': null,
    'ssh://git@github.com/a': null,
    'javascript:alert(1)': null,
    NA: null,
  };
  for (const [url, expected] of Object.entries(cases)) assert.equal(repository(url, 'v/1'), expected, url);
  assert.equal(repository('https://github.com/a/b', ''), 'https://github.com/a/b');
});

test('only http and https are addresses of the web', () => {
  assert.equal(webAddress('HTTPS://example.org'), 'https://example.org/');
  for (const text of ['javascript:alert(1)', 'data:text/html,x', '//example.org', 'x', '', 'file:///etc/passwd']) {
    assert.equal(webAddress(text), null, text);
  }
});
