import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byMonth, highest, labeled } from '../../slicer_package_manager/pages/static/catalog/chart.js';

test('months without downloads between others are zero', () => {
  const rows = [
    { period: '2026-02', count: 3 },
    { period: '2025-11', count: 1 },
    { period: '2026-02', count: 4 },
  ];
  assert.deepEqual(byMonth(rows), [
    { month: '2025-11', count: 1 },
    { month: '2025-12', count: 0 },
    { month: '2026-01', count: 0 },
    { month: '2026-02', count: 7 },
  ]);
  assert.deepEqual(byMonth([]), []);
});

test('the chart has the latest three years', () => {
  const months = byMonth([
    { period: '2020-01', count: 1 },
    { period: '2026-06', count: 1 },
  ]);
  assert.equal(months.length, 36);
  assert.deepEqual([months[0].month, months[35].month], ['2023-07', '2026-06']);
});

test('the scale has room above the highest bar, and whole numbers for few downloads', () => {
  assert.equal(highest(0), 4);
  assert.equal(highest(3), 4);
  assert.ok(highest(1000) > 1000);
});

test('as many months are labeled as fit, the last one always', () => {
  const months = byMonth([
    { period: '2025-01', count: 1 },
    { period: '2025-12', count: 1 },
  ]);
  assert.equal(labeled(months, 2000).length, 12);
  assert.deepEqual(labeled(months, 320), ['2025-03', '2025-06', '2025-09', '2025-12']);
  assert.deepEqual(labeled(months, 10), ['2025-12']);
});
