// @ts-check
// Tables whose rows have a name and further cells.

import { element } from '../dom.js';

/**
 * A column.
 *
 * @typedef {object} Column
 * @property {string} text
 * @property {string} [class] of its cells
 * @property {boolean} [hidden] whether only screen readers read the text
 */

/** @typedef {{cells: readonly Content[], id?: string}} Row its name, and a cell for each further column */

/** @param {string | Column} column */
const described = (column) => (typeof column === 'string' ? { text: column } : column);

/** @param {Column} column */
const head = ({ text, hidden, ...more }) =>
  text
    ? element('th', { scope: 'col', class: more.class }, hidden ? element('span.sr-only', {}, text) : text)
    : element('td', {});

/**
 * @param {Row} row
 * @param {Column[]} columns
 */
function line({ cells: [name, ...cells], id }, [, ...columns]) {
  return element(
    'tr',
    { 'data-id': id },
    element('th', { scope: 'row' }, name),
    cells.map((cell, index) => {
      const { text, hidden, class: className } = columns[index];
      return element('td', { class: className, 'data-label': hidden ? null : text || null }, cell);
    }),
  );
}

/**
 * A table.
 *
 * @param {HTMLElement} caption
 * @param {(string | Column)[]} columns the first is that of the names
 * @param {Row[]} rows
 * @param {string} look classes of the table
 */
function table(caption, columns, rows, look) {
  const all = columns.map(described);
  return element(
    'table',
    { class: look },
    caption,
    element('thead', {}, element('tr', {}, all.map(head))),
    element(
      'tbody',
      {},
      rows.map((row) => line(row, all)),
    ),
  );
}

/**
 * A table of documents. In narrow windows each row is a block, with the text of the column beside each cell.
 *
 * @param {string} caption for screen readers
 * @param {(string | Column)[]} columns
 * @param {Row[]} rows
 */
export const listTable = (caption, columns, rows) =>
  element('div.spm-scroll', {}, table(element('caption.sr-only', {}, caption), columns, rows, 'table spm-table'));

/**
 * A dense table, mostly of numbers.
 *
 * @param {string} caption
 * @param {(string | Column)[]} columns
 * @param {Row[]} rows
 */
export const denseTable = (caption, columns, rows) =>
  element(
    'div.spm-plan',
    { tabindex: 0, role: 'region', 'aria-label': caption },
    table(element('caption', {}, caption), columns, rows, 'table table-condensed'),
  );

/** The column with the buttons of a row. @type {Column} */
export const ACTIONS = { text: 'Actions', class: 'spm-actions', hidden: true };

/**
 * A column of numbers.
 *
 * @param {string} text
 * @returns {Column}
 */
export const numbers = (text) => ({ text, class: 'spm-number' });
