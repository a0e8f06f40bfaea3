import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { debounced } from '../../slicer_package_manager/pages/static/admin/debounce.js';
import { packageCount, rowContents, systemsOf } from '../../slicer_package_manager/pages/static/admin/row.js';
import { areRules, givenRules } from '../../slicer_package_manager/pages/static/admin/rules.js';

/** @param {object} row @returns {Registry.Row} */
const row = (row) => /** @type {Registry.Row} */ (row);

test('rows count packages and extensions of all systems', () => {
  const one = row({ packages: { linux: { amd64: 1 } }, extensions: { linux: { amd64: 2 }, win: { arm64: 3 } } });
  assert.equal(packageCount(one), 6);
  assert.equal(rowContents(one), '1 package and 5 extensions');
  assert.deepEqual(systemsOf([one, row({ packages: {}, extensions: {} })]), [
    { os: 'linux', arch: 'amd64' },
    { os: 'win', arch: 'arm64' },
  ]);
});

test('rules of pruning are whole numbers, and at least one', () => {
  assert.ok(areRules({ keep: 0, older_than_days: null }));
  for (const keep of [null, -1, 1.5, Number.NaN]) assert.ok(!areRules({ keep, older_than_days: null }), String(keep));
  assert.deepEqual(givenRules({ keep: null, older_than_days: 3 }), { older_than_days: 3 });
});

test('only the latest value is requested, and answers to earlier ones are dropped', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  /** @type {Record<string, (answer: string) => void>} */
  const waiting = {};
  /** @type {string[]} */
  const shown = [];
  const request = (/** @type {string} */ value) =>
    new Promise((/** @type {(answer: string) => void} */ resolve) => {
      waiting[value] = resolve;
    });
  const send = debounced(
    request,
    { answered: (answer) => shown.push(answer), failed: (failure) => shown.push(String(failure)) },
    100,
  );
  send('a');
  mock.timers.tick(99);
  send('b');
  mock.timers.tick(100);
  send('c');
  mock.timers.tick(100);
  assert.deepEqual(Object.keys(waiting), ['b', 'c']);
  waiting.c('answer c');
  waiting.b('answer b');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(shown, ['answer c']);
  mock.timers.reset();
});
