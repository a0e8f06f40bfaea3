import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeast, byTier, LEVELS, tierName } from '../../slicer_package_manager/pages/static/catalog/tiers.js';

const ALL = [null, -1, 0, 1, 2, 3, 4, 5, 6].map((tier) => ({ tier }));

test('tiers have the words of Slicer, and tiers between them those of the lower one', () => {
  const names = ALL.map(({ tier }) => tierName(tier));
  assert.deepEqual(names, [
    null,
    ...Array(4).fill('Experimental'),
    ...Array(2).fill('Community-supported'),
    ...Array(2).fill('Supported by Slicer core developers'),
  ]);
});

test('the filter offers what is better than experimental', () => {
  assert.deepEqual(LEVELS, [
    { tier: 5, name: 'Supported by Slicer core developers' },
    { tier: 3, name: 'Community-supported or better' },
  ]);
});

test('higher is better, and an unknown tier is below all others', () => {
  assert.deepEqual(atLeast(ALL, null), ALL);
  assert.deepEqual(
    atLeast(ALL, 3).map(({ tier }) => tier),
    [3, 4, 5, 6],
  );
  const sorted = [...ALL].sort(byTier).map(({ tier }) => tier);
  assert.deepEqual(sorted, [6, 5, 4, 3, 2, 1, 0, -1, null]);
});
