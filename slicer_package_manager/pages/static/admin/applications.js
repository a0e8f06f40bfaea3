// @ts-check
// The page of all applications that the user may edit.

import { element, messageOf } from '../dom.js';
import { number, plainLines } from '../texts.js';
import { showDialog } from './dialogs.js';
import { AccessType, call, formatSize, girder, isAdmin, notify, summaryOf } from './girder.js';
import { KEYS_ROUTE } from './keys.js';
import { editable, forgetEditable } from './nav.js';
import { searchBox } from './search.js';
import { SETTINGS_ROUTE } from './settings.js';
import { USAGE_ROUTE } from './usage.js';
import { button, header, icon, nothingToEdit, Page } from './widgets.js';

const DEFAULT_COLLECTION = 'Applications';
const COLUMNS = ['Releases', 'Drafts', 'Packages', 'Extensions', 'Size', 'Downloads'];

/** @typedef {{choices: [string, string][], value: string | null}} Places where the user may create an application */
/** @typedef {{app: Registry.Application, total?: Registry.Total, failure?: string}} Line */

/**
 * The collections in which the user may create an application; the value is `null` if there are none.
 *
 * @returns {Promise<Places>}
 */
async function places() {
  /** @type {{_id: string, name: string, _accessLevel: number}[]} */
  const collections = await call('GET', 'collection', { limit: 0 });
  const writable = collections.filter((one) => one._accessLevel >= AccessType.WRITE);
  /** @type {[string, string][]} */
  const choices = writable.map((one) => [one._id, one.name]);
  const first = writable.find((one) => one.name === DEFAULT_COLLECTION);
  if (isAdmin() && !collections.some((one) => one.name === DEFAULT_COLLECTION)) {
    choices.unshift(['', `${DEFAULT_COLLECTION} (is created)`]);
  }
  return { choices, value: first?._id ?? choices[0]?.[0] ?? null };
}

/**
 * @param {Places} place
 * @param {(app: Registry.Application) => void} done
 */
function create(place, done) {
  showDialog({
    title: 'Create application',
    submit: 'Create',
    icon: 'plus-squared',
    fields: [
      { name: 'name', label: 'Name' },
      { name: 'app_description', label: 'Description (optional)' },
      { name: 'collection_id', label: 'Collection', type: 'choice', ...place },
      { name: 'public', label: 'Everyone may read it', type: 'checkbox', value: true },
    ],
    blocked: ({ name }) => !name.trim(),
    save: async ({ collection_id: collection, ...values }) => {
      /** @type {Registry.Application} */
      const app = await call('POST', 'app', collection ? { ...values, collection_id: collection } : values);
      forgetEditable();
      notify(`The application “${app.name}” is created.`);
      done(app);
    },
  });
}

/** @param {Line} line */
function row({ app, total, failure }) {
  const name = element(
    'th',
    { scope: 'row' },
    element('a.spm-name', { href: `#packages/${app._id}` }, app.name),
    !app.public && [' ', icon('lock', 'Private')],
    app.description && element('div.spm-faint.spm-description', {}, plainLines(app.description)),
  );
  const cells = total
    ? [
        number(total.releases),
        number(total.drafts),
        number(total.packages),
        number(total.extensions),
        formatSize(total.size),
        number(total.downloads),
      ].map((value, index) => element('td.spm-number', { 'data-label': COLUMNS[index] }, value))
    : element('td.text-danger', { colspan: '6' }, failure);
  return element('tr', { 'data-id': app._id }, name, cells);
}

/** @param {Line[]} lines */
const table = (lines) =>
  element(
    'div.spm-scroll',
    {},
    element(
      'table.table.spm-table',
      {},
      element('caption.sr-only', {}, 'Applications'),
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          element('th', { scope: 'col' }, 'Application'),
          COLUMNS.map((name) => element('th.spm-number', { scope: 'col' }, name)),
        ),
      ),
      element('tbody', {}, lines.map(row)),
    ),
  );

/**
 * An application with its totals; one that cannot be read does not hide the others.
 *
 * @param {Registry.Application} app
 * @returns {Promise<Line>}
 */
const summarized = (app) =>
  summaryOf(app._id, { limit: 1 }).then(
    ({ total }) => ({ app, total }),
    (failure) => ({ app, failure: messageOf(failure) }),
  );

export class PackagesView extends Page {
  async load() {
    forgetEditable();
    const apps = await editable();
    if (!apps.length && !isAdmin()) return nothingToEdit();
    const [lines, place] = await Promise.all([Promise.all(apps.map(summarized)), places()]);
    const open = (/** @type {Registry.Application} */ app) =>
      girder.router.navigate(`packages/${app._id}`, { trigger: true });
    return element(
      'div.spm-page',
      {},
      header(
        element('h1.g-body-title', {}, 'Packages'),
        place.value !== null && button('Create application', 'plus-squared', 'default', () => create(place, open)),
        isAdmin() && element('a.btn.btn-sm.btn-default', { href: `#${USAGE_ROUTE}` }, icon('chart-bar'), 'Usage'),
        isAdmin() && element('a.btn.btn-sm.btn-default', { href: `#${KEYS_ROUTE}` }, icon('lock'), 'API keys'),
        isAdmin() && element('a.btn.btn-sm.btn-default', { href: `#${SETTINGS_ROUTE}` }, icon('cog'), 'Settings'),
      ),
      searchBox(),
      lines.length ? table(lines) : element('p', {}, 'There is no application yet.'),
    );
  }
}
