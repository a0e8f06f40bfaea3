// @ts-check
// Chart of downloads over time, drawn by uPlot, which is loaded with the first chart.

import { element } from '../dom.js';
import { counted, number } from '../texts.js';

const HEIGHT = 190;
const MONTH = new Intl.DateTimeFormat('en', { year: 'numeric', month: 'short', timeZone: 'UTC' });
const MOST_MONTHS = 36;
const HALF_MONTH = 16 * 86400;
const LABEL_WIDTH = 80;
/** @typedef {{month: string, count: number}} Month a month, `YYYY-MM`, and its downloads */

/** @type {Promise<typeof import('uplot')> | null} */
let library = null;

/**
 * Sum download counts by month, oldest first; months without downloads in between have a zero.
 *
 * @param {{period: string, count: number}[]} rows
 * @returns {Month[]} the latest three years at most
 */
export function byMonth(rows) {
  const sums = new Map();
  for (const { period, count } of rows) sums.set(period, (sums.get(period) || 0) + count);
  const known = [...sums.keys()].sort();
  const months = [];
  for (let month = known[0]; month && month <= known[known.length - 1]; month = next(month)) {
    months.push({ month, count: sums.get(month) || 0 });
  }
  return months.slice(-MOST_MONTHS);
}

/** @param {string} month */
function next(month) {
  const [year, index] = month.split('-').map(Number);
  return new Date(Date.UTC(year, index, 1)).toISOString().slice(0, 'YYYY-MM'.length);
}

/** @param {string} month */
function seconds(month) {
  return Date.parse(`${month}-01T00:00:00Z`) / 1e3;
}

/** @param {string} month */
function name(month) {
  return MONTH.format(new Date(`${month}-01T00:00:00Z`));
}

function uPlot() {
  if (!library) {
    const file = (/** @type {string} */ path) => new URL(`../vendor/${path}`, import.meta.url).href;
    document.head.append(element('link', { rel: 'stylesheet', href: file('uPlot.css') }));
    library = new Promise((resolve, reject) => {
      document.head.append(
        element('script', {
          src: file('uPlot.js'),
          onload: () => resolve(window.uPlot),
          onerror: () => reject(new Error('No chart.')),
        }),
      );
    });
  }
  return library;
}

/**
 * A chart of `months`, with a table of the same numbers for people who do not see it.
 *
 * @param {Month[]} months at least one
 */
export function chart(months) {
  const total = months.reduce((sum, one) => sum + one.count, 0);
  const what =
    `${counted(total, 'download', 'downloads')} from ${name(months[0].month)} to ` +
    `${name(months[months.length - 1].month)}`;
  const canvas = element('div.plot', { role: 'img', 'aria-label': `Chart: ${what}` });
  const table = element(
    'details',
    {},
    element('summary', {}, 'As a table'),
    element(
      'div.scroll',
      {},
      element(
        'table',
        {},
        element(
          'thead',
          {},
          element('tr', {}, element('th', { scope: 'col' }, 'Month'), element('th', { scope: 'col' }, 'Downloads')),
        ),
        element(
          'tbody',
          {},
          ...[...months]
            .reverse()
            .map(({ month, count }) =>
              element('tr', {}, element('td', {}, name(month)), element('td', {}, number(count))),
            ),
        ),
      ),
    ),
  );
  draw(canvas, months);
  return element('figure.chart', {}, element('figcaption.muted', {}, what), canvas, table);
}

/**
 * @param {HTMLElement} canvas
 * @param {Month[]} months
 */
async function draw(canvas, months) {
  const Plot = await uPlot();
  /** @type {import('uplot') | null} */
  let plot = null;
  const redraw = () => {
    if (!canvas.isConnected || !canvas.clientWidth) return;
    if (plot) plot.destroy();
    plot = new Plot(
      options(Plot, canvas, months),
      [months.map((one) => seconds(one.month)), months.map((one) => one.count)],
      canvas,
    );
  };
  new ResizeObserver(redraw).observe(canvas);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ['data-theme'] });
}

/**
 * @param {typeof import('uplot')} Plot
 * @param {HTMLElement} canvas
 * @param {Month[]} months
 * @returns {import('uplot').Options}
 */
function options(Plot, canvas, months) {
  const color = (/** @type {string} */ variable) =>
    getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
  const axis = {
    stroke: color('--muted'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: canvas.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (stamp) => Plot.tzDate(new Date(stamp * 1e3), 'UTC'),
    scales: {
      x: { range: (_, low, high) => [low - HALF_MONTH, high + HALF_MONTH] },
      y: { range: (_, _low, high) => [0, highest(high)] },
    },
    series: [
      {},
      {
        fill: color('--accent'),
        stroke: color('--accent'),
        width: 0,
        points: { show: false },
        paths: Plot.paths.bars?.({ size: [0.7, 48], radius: 0.15 }),
      },
    ],
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 30,
        splits: () => labeled(months, canvas.clientWidth).map(seconds),
        values: (_, stamps) => stamps.map((stamp) => MONTH.format(new Date(stamp * 1e3))),
      },
      {
        ...axis,
        size: 52,
        space: 36,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6],
        values: (_, values) => values.map(number),
      },
    ],
  };
}

/**
 * Upper end of the scale of downloads: some room above the highest bar, and never less than four.
 *
 * @param {number} count downloads of the best month
 */
export function highest(count) {
  return Math.max(4, count * 1.1);
}

/**
 * The months to label, as many as fit; the last one always is.
 *
 * @param {Month[]} months
 * @param {number} width of the chart, in pixels
 */
export function labeled(months, width) {
  const step = Math.ceil((months.length * LABEL_WIDTH) / width);
  return months.map((one) => one.month).filter((_, index) => (months.length - 1 - index) % step === 0);
}
