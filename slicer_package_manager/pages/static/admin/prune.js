// @ts-check
// The dialog that deletes old drafts, after it has shown which.

import { element, fill, messageOf } from '../dom.js';
import { counted, number } from '../texts.js';
import { showDialog } from './dialogs.js';
import { appPath, call, formatSize, notify, showFailure, summaryOf } from './girder.js';
import { withProgress } from './progress.js';
import { areRules, givenRules } from './rules.js';
import { button, day, spinner } from './widgets.js';

/** @typedef {{name: string, created: string, packages: number, extensions: number, bytes: number, deleted: boolean}} Draft */
/** @typedef {import('./rules.js').Rules} Rules */

/** @param {Draft[]} drafts */
function planned(drafts) {
  if (!drafts.length) return element('p', {}, 'No draft would be deleted.');
  const size = drafts.reduce((total, row) => total + row.bytes, 0);
  const column = (/** @type {string} */ name) => element('th', { scope: 'col' }, name);
  const line = (/** @type {Draft} */ row) =>
    element(
      'tr',
      {},
      element('th.spm-name', { scope: 'row' }, row.name),
      element('td', {}, day(row.created)),
      element('td', {}, number(row.packages)),
      element('td', {}, number(row.extensions)),
      element('td', {}, formatSize(row.bytes)),
    );
  const table = element(
    'table.table.table-condensed',
    {},
    element('thead', {}, element('tr', {}, ['Revision', 'Created', 'Packages', 'Extensions', 'Size'].map(column))),
    element('tbody', {}, drafts.map(line)),
  );
  return [
    element(
      'p',
      {},
      element('strong', {}, `${counted(drafts.length, 'draft')} (${formatSize(size)}) will be deleted:`),
    ),
    element('div.spm-plan', {}, table),
  ];
}

/**
 * @param {Registry.Application} app
 * @param {Rules} rules
 * @param {number} expected drafts to delete
 */
async function prune(app, rules, expected) {
  const drafts = async () => (await summaryOf(app._id, { limit: 1 })).total.drafts;
  const before = await drafts();
  try {
    /** @type {Draft[]} */
    const rows = await withProgress({
      title: `Deleting ${counted(expected, 'draft')} of ${app.name}`,
      total: expected,
      remaining: async () => Math.max(expected - (before - (await drafts())), 0),
      request: (more) => call('DELETE', appPath(app._id, 'draft'), { ...rules, ...more }),
    });
    notify(`${counted(rows.filter((row) => row.deleted).length, 'draft')} deleted.`);
  } catch (failure) {
    showFailure(failure);
  }
}

/**
 * Ask for the rules, show the drafts that would be deleted, and delete them.
 *
 * @param {Registry.Application} app
 * @param {() => void} done called at the end
 */
export function showPruning(app, done) {
  /** What was shown, and the rules for it. @type {{rules: Rules, rows: Draft[]} | null} */
  let plan = null;
  const area = element('div', { 'aria-live': 'polite' });
  const forget = () => {
    plan = null;
    fill(area);
  };
  const showPlan = async () => {
    const rules = givenRules(dialog.read());
    fill(area, spinner('Searching…'));
    preview.disabled = true;
    try {
      /** @type {Draft[]} */
      const rows = await call('DELETE', appPath(app._id, 'draft'), { ...rules, dry_run: true });
      plan = { rules, rows };
      fill(area, planned(rows));
    } catch (failure) {
      plan = null;
      fill(area, element('p.g-validation-failed-message', {}, messageOf(failure)));
    }
    preview.disabled = false;
    dialog.update();
  };
  const preview = button('Show drafts to delete', 'search', 'default', showPlan);
  const dialog = showDialog({
    title: `Prune drafts of ${app.name}`,
    submit: 'Delete these drafts',
    icon: 'trash',
    style: 'danger',
    body: element(
      'p',
      {},
      'Deletes old drafts with all their packages and extensions. Releases and download counts stay. ',
      'With both rules, only drafts that both select are deleted.',
    ),
    fields: [
      { name: 'keep', label: 'Keep the newest', type: 'number', min: '0', value: 10, changed: forget },
      { name: 'older_than_days', label: 'Minimum age in days (optional)', type: 'number', min: '0', changed: forget },
    ],
    footer: [preview, area],
    blocked: (values) => {
      preview.disabled = !areRules(values);
      return !plan?.rows.length;
    },
    save: async () => {
      if (plan) prune(app, plan.rules, plan.rows.length).then(done);
    },
  });
}
