// @ts-check
// The statistics of an application: downloads by month, system and country, and who has a file.

import { element, fill, messageOf } from '../dom.js';
import { counted, number } from '../texts.js';
import { AccessType, appPath, call, girder, summaryOf } from './girder.js';
import { LABELS } from './row.js';
import { denseTable, numbers } from './tables.js';
import { breadcrumb, button, day, header, nothingToEdit, Page, spinner } from './widgets.js';

/** @typedef {Registry.Application} Application */
/** @typedef {{first: string, last: string, number: number}} Days of the logs that were loaded */
/** @typedef {{period: string, count: number}} Month */
/** @typedef {{os: string, arch: string, count: number}} System */
/** @typedef {{country: string, name: string, count: number}} Country */
/** @typedef {{months: Month[], systems: System[], countries: Country[], logs: Days | null, notice: string}} Overview */
/** @typedef {{requests: number, clients: number}} Sums */
/** @typedef {[name: string, ...numbers: number[]]} Line of a table */
/** @typedef {{name: string, kind: string, baseName: string, created: string, removed?: string}} File */

/**
 * Who has a file, as the server answers it.
 *
 * @typedef {object} Affected
 * @property {File[]} files
 * @property {number} requests
 * @property {number} robots
 * @property {(Sums & {day: string})[]} days
 * @property {(Sums & {country: string, name: string})[]} countries
 * @property {(Sums & {client_os: string})[]} systems
 * @property {{day: string, requests: number}[]} replacements
 * @property {Days} logs
 */

const KINDS = { '': 'Packages and extensions', package: 'Packages', extension: 'Extensions' };
/** @type {Object<string, string>} */
const CLIENT_SYSTEMS = {
  android: 'Android',
  ios: 'iOS',
  chromeos: 'ChromeOS',
  bsd: 'BSD',
  other: 'Other',
  unknown: 'Unknown',
};
const PERCENT = 100;

/**
 * The name of an operating system of clients.
 *
 * @param {string} os
 */
export const clientSystem = (os) => LABELS[os]?.name || CLIENT_SYSTEMS[os] || os;

/**
 * A part of a whole in percent.
 *
 * @param {number} part
 * @param {number} whole
 */
export const share = (part, whole) => `${((PERCENT * part) / (whole || 1)).toFixed(1)} %`;

export class StatisticsView extends Page {
  /** Of packages, extensions, or both. @type {string} */
  kind = '';

  /** @returns {Promise<Element>} */
  async load() {
    if (!girder.auth.getCurrentUser()) return nothingToEdit();
    const id = this.settings.id || '';
    const { app } = await summaryOf(id, { limit: 1 });
    /** @type {Overview} */
    const overview = await call('GET', appPath(id, 'downloads'), this.kind ? { kind: this.kind } : {});
    return element(
      'div.spm-page',
      {},
      breadcrumb(['Packages', 'packages'], [app.name, `packages/${id}`], ['Statistics']),
      header(element('h1.g-body-title.spm-name', {}, `Downloads of ${app.name}`), this.choice()),
      downloads(overview),
      app.access >= AccessType.ADMIN && whoSection(app),
    );
  }

  choice() {
    const onchange = (/** @type {Event} */ event) => {
      this.kind = /** @type {HTMLSelectElement} */ (event.target).value;
      this.reload();
    };
    return element(
      'select.form-control.input-sm',
      { 'aria-label': 'Downloads of', onchange },
      Object.entries(KINDS).map(([value, text]) => element('option', { value, selected: value === this.kind }, text)),
    );
  }
}

/** @param {Overview} overview */
function downloads({ months, systems, countries, logs, notice }) {
  if (!months.length && !countries.length) return element('p', {}, 'There are no downloads yet.');
  return element(
    'div.spm-statistics',
    {},
    table(
      'By month',
      ['Month', 'Downloads'],
      [...months].reverse().map(({ period, count }) => [period, count]),
    ),
    table(
      'By system',
      ['System', 'Downloads'],
      systems.map(({ os, arch, count }) => [`${LABELS[os]?.name || os} ${arch}`, count]),
    ),
    element(
      'div',
      {},
      countries.length > 0 &&
        table(
          'By country',
          ['Country', 'Downloads'],
          countries.map(({ name, count }) => [name, count]),
        ),
      element('p.spm-faint', {}, logs ? `${source(logs)} ${notice}` : NO_LOGS),
    ),
  );
}

const NO_LOGS = 'Countries are not known, since no logs of the web server were loaded: see “logs ingest”.';

/** @param {Days} logs */
const source = ({ first, last, number: days }) =>
  `According to the logs of ${counted(days, 'day')}, ${first} to ${last}, without robots. “Other” are countries that few ` +
  'clients of a day share.';

/**
 * A table of numbers, the first of which has a bar for its share.
 *
 * @param {string} caption
 * @param {string[]} columns
 * @param {Line[]} rows
 */
function table(caption, columns, rows) {
  const total = rows.reduce((sum, [, one]) => sum + one, 0);
  const most = Math.max(1, ...rows.map(([, one]) => one));
  const [name, ...counts] = columns;
  return denseTable(
    caption,
    [name, ...counts.map(numbers), '', numbers('Share')],
    rows.map(([first, ...values]) => ({
      cells: [
        first,
        ...values.map(number),
        element('meter.spm-bar', { max: most, value: values[0], 'aria-hidden': 'true' }),
        share(values[0], total),
      ],
    })),
  );
}

/**
 * The form that asks who has a file, with the answer below it.
 *
 * @param {Application} app
 */
function whoSection(app) {
  const answer = element('div', { 'aria-live': 'polite' });
  const input = element('input.form-control', {
    id: 'spm-checksum',
    type: 'text',
    required: true,
    spellcheck: 'false',
    autocomplete: 'off',
  });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    ask(app, input.value.trim(), answer);
  };
  return [
    header(element('h2', {}, 'Who has a file')),
    element(
      'form.spm-who',
      { onsubmit: submit },
      element('label', { for: 'spm-checksum' }, 'SHA-512 of the file; it may be replaced or deleted by now'),
      element(
        'div.spm-who-line',
        {},
        input,
        button('Find downloads', null, 'primary', () => {}, { type: 'submit' }),
      ),
    ),
    answer,
  ];
}

/**
 * @param {Application} app
 * @param {string} checksum
 * @param {HTMLElement} answer where it is shown
 */
async function ask(app, checksum, answer) {
  fill(answer, spinner());
  try {
    fill(answer, who(await call('GET', appPath(app._id, 'downloadstats', checksum))));
  } catch (failure) {
    fill(answer, element('div.alert.alert-danger', {}, messageOf(failure)));
  }
}

/** @param {Affected} found */
function who(found) {
  const rows = (/** @type {string} */ key, /** @type {(value: string) => string} */ name, /** @type {any[]} */ all) =>
    all.map((one) => /** @type {Line} */ ([name(one[key]), one.requests, one.clients]));
  const columns = ['Downloads', 'Clients'];
  return [
    element('ul', {}, found.files.map(fileLine)),
    element(
      'p',
      {},
      `${counted(found.requests, 'download')}, and ${number(found.robots)} by robots, in the logs of ` +
        `${counted(found.logs.number, 'day')}, ${found.logs.first} to ${found.logs.last}. Clients are distinct on each day.`,
    ),
    found.replacements
      .filter((one) => one.requests)
      .map((one) =>
        element(
          'p.alert.alert-warning',
          {},
          `The file was replaced on ${one.day}. Of the ${counted(one.requests, 'download')} of its successor on that ` +
            'day, some may be of this file.',
        ),
      ),
    found.requests > 0 &&
      element(
        'div.spm-statistics',
        {},
        table(
          'Downloads by day',
          ['Day', ...columns],
          rows('day', (one) => one, found.days),
        ),
        table(
          'Downloads by country',
          ['Country', ...columns],
          rows('name', (one) => one, found.countries),
        ),
        table('Downloads by system', ['System', ...columns], rows('client_os', clientSystem, found.systems)),
      ),
  ];
}

/** @param {File} file */
const fileLine = ({ name, kind, baseName, created, removed }) =>
  element(
    'li',
    {},
    element('span.spm-name', {}, `${name} (${kind} ${baseName})`),
    ', published ',
    day(created),
    removed ? [', replaced or deleted ', day(removed)] : ', still there',
  );
