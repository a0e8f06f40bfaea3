// @ts-check
// Tables of releases or drafts with the numbers of packages and extensions for each system.

import { element } from '../dom.js';
import { counted, number, plainLines } from '../texts.js';
import { AccessType, formatSize } from './girder.js';
import { contents, LABELS, labelOf, numberFor } from './row.js';
import { day, icon } from './widgets.js';

/** @typedef {Registry.Row} Row */

/**
 * @typedef {object} TableOptions
 * @property {Registry.System[]} systems columns
 * @property {string} caption
 * @property {boolean} [revision] whether the revision is shown below the name
 * @property {(row: Row) => Content} [actions] buttons
 * @property {(row: Row, value: string) => void} [changeReady] called with `auto`, `true` or `false`
 */

/**
 * @param {Row} row
 * @param {Registry.System} system
 */
function cell(row, system) {
  const packages = numberFor(row.packages, system);
  const extensions = numberFor(row.extensions, system);
  const notReady = packages + extensions > 0 && row.ready_for[system.os]?.[system.arch] === false;
  const gap = packages ? (extensions ? '' : ' spm-half') : ' spm-gap';
  const title = `${labelOf(system)}: ${contents(packages, extensions)}${notReady ? ', not ready' : ''}`;
  return element(
    'td',
    { class: `spm-system${gap}`, title, 'data-label': labelOf(system) },
    element('span.spm-packages', {}, packages ? counted(packages, 'package') : 'no package'),
    ' ',
    element(
      'span.spm-extensions',
      {},
      extensions ? counted(extensions, 'ext.', 'ext.') : 'no ext.',
      notReady && [' ', icon('clock', 'not ready')],
    ),
  );
}

/**
 * Whether the row is ready and, for users who may change it, the choice.
 *
 * @param {Row} row
 * @param {TableOptions['changeReady']} change
 */
function readiness(row, change) {
  const label = row.ready
    ? element('span.label.label-success', {}, 'ready')
    : element('span.label.label-default', {}, 'not ready');
  if (row.access < AccessType.WRITE || !change) {
    return [label, row.held !== null && element('span.spm-faint', {}, ' by hand')];
  }
  const chosen = row.held === null ? 'auto' : String(!row.held);
  const choices = [
    ['auto', 'automatic'],
    ['true', 'ready'],
    ['false', 'not ready'],
  ];
  const select = element(
    'select.form-control.input-sm.spm-ready',
    { 'aria-label': `Readiness of ${row.name}`, onchange: () => change(row, select.value) },
    choices.map(([value, text]) => element('option', { value, selected: value === chosen }, text)),
  );
  return [label, select];
}

/**
 * When the row was built, created and updated.
 *
 * @param {Row} row
 */
const days = (row) =>
  element(
    'div',
    {},
    row.built ? day(row.built) : 'unknown',
    element('div.spm-faint', {}, 'created ', day(row.created)),
    row.updated > row.created && element('div.spm-faint', {}, 'updated ', day(row.updated)),
  );

/**
 * @param {Row} row
 * @param {TableOptions} options
 */
function line(row, options) {
  return element(
    'tr',
    { 'data-id': row._id },
    element(
      'th',
      { scope: 'row' },
      element('a.spm-name', { href: `#folder/${row._id}` }, row.name),
      !row.public && [' ', icon('lock', 'Private')],
      options.revision && element('div.spm-faint', {}, `revision ${row.revision}`),
      row.version && row.version !== row.name && element('div.spm-faint', {}, `version ${row.version}`),
      row.description && element('div.spm-faint.spm-description', {}, plainLines(row.description)),
    ),
    element('td.spm-ready-cell', { 'data-label': 'Ready' }, readiness(row, options.changeReady)),
    options.systems.map((system) => cell(row, system)),
    element('td.spm-number', { 'data-label': 'Size' }, formatSize(row.size)),
    element('td.spm-number', { 'data-label': 'Downloads' }, number(row.downloads || 0)),
    element('td', { 'data-label': 'Built' }, days(row)),
    options.actions && element('td.spm-actions', {}, options.actions(row)),
  );
}

/** @param {TableOptions} options */
function head(options) {
  const column = (/** @type {Content} */ text, properties = {}) => element('th', { scope: 'col', ...properties }, text);
  const systems = options.systems.map((system) => {
    const { name, icon: iconName } = LABELS[system.os];
    return column([icon(iconName), ` ${name}`, element('br'), system.arch], { class: 'spm-system' });
  });
  return element(
    'tr',
    {},
    column(options.revision ? 'Release' : 'Revision'),
    column('Ready'),
    systems,
    column('Size', { class: 'spm-number' }),
    column('Downloads', { class: 'spm-number' }),
    column('Built'),
    options.actions && column(element('span.sr-only', {}, 'Actions')),
  );
}

/**
 * A table of releases or drafts.
 *
 * @param {Row[]} rows
 * @param {TableOptions} options
 */
export const releaseTable = (rows, options) =>
  element(
    'div.spm-scroll',
    {},
    element(
      'table.table.spm-table.spm-releases',
      {},
      element('caption.sr-only', {}, options.caption),
      element('thead', {}, head(options)),
      element(
        'tbody',
        {},
        rows.map((row) => line(row, options)),
      ),
    ),
  );

export const legend = () =>
  element(
    'p.spm-legend',
    {},
    element('span.spm-swatch.spm-gap'),
    ' no package ',
    element('span.spm-swatch.spm-half'),
    ' no extensions ',
    icon('clock'),
    ' not ready, so an older one is offered as the latest',
  );
