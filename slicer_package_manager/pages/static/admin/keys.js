// @ts-check
// API keys of build machines and other programs, for site administrators.

import { element } from '../dom.js';
import { accountField } from './accounts.js';
import { showConfirmation, showDialog } from './dialogs.js';
import { call, isAdmin, notify } from './girder.js';
import { editable } from './nav.js';
import { focusSecret, shownOnce } from './secrets.js';
import { ACTIONS, listTable } from './tables.js';
import { breadcrumb, button, day, header, Page } from './widgets.js';

/**
 * A key, as the server describes it; `key` is its secret, which only the answer to its creation has.
 *
 * @typedef {object} Key
 * @property {string} _id
 * @property {string} login
 * @property {string} name
 * @property {'upload' | 'read' | 'full' | null} purpose
 * @property {string[] | null} scope
 * @property {string | null} app_id
 * @property {'active' | 'inactive' | 'expired'} state
 * @property {string} created
 * @property {string | null} used
 * @property {string | null} expires
 * @property {string} [key]
 */

/** @typedef {Registry.Application} Application */

export const KEYS_ROUTE = 'packages/server/keys';
const PATH = 'slicer_package_manager/key';
/** @type {[string, string][]} Lifetimes in days. */
const LIFETIMES = [
  ['30', '30 days'],
  ['90', '90 days'],
  ['180', '180 days'],
  ['365', '1 year'],
  ['730', '2 years'],
];
const DEFAULT_LIFETIME = '365';

/**
 * What a key may do, in words.
 *
 * @param {Key} key
 * @param {Application[]} apps
 */
export function permission({ purpose, scope, app_id: id }, apps) {
  if (purpose === 'read') return 'Read what its account may read';
  if (purpose === 'full') return 'Everything that its account may do';
  if (purpose !== 'upload') return (scope || []).join(', ');
  if (!id) return 'Upload packages wherever its account may write';
  return `Upload packages to ${apps.find((one) => one._id === id)?.name || 'an application that was deleted'}`;
}

export class KeysView extends Page {
  /** The key that was just created. @type {Key | null} */
  made = null;

  /** @returns {Promise<Element>} */
  async load() {
    if (!isAdmin()) return element('p', {}, 'Must be logged in as admin to view this page.');
    /** @type {[Key[], Application[]]} */
    const [found, apps] = await Promise.all([call('GET', PATH), editable()]);
    return element(
      'div.spm-page',
      {},
      breadcrumb(['Packages', 'packages'], ['API keys']),
      header(
        element('h1.g-body-title', {}, 'API keys'),
        button('Create key', 'plus-squared', 'default', () => this.create(apps)),
      ),
      element('p', {}, 'With a key, a build machine uploads in the name of an account, without its password.'),
      this.made && secret(this.made),
      found.length
        ? listTable(
            'API keys',
            ['Key', 'May do', 'Created', 'Last used', 'Expires', ACTIONS],
            found.map((key) => ({ id: key._id, cells: this.cells(key, apps) })),
          )
        : element('p', {}, 'There is no key yet.'),
    );
  }

  /**
   * @param {Key} key
   * @param {Application[]} apps
   * @returns {Content[]}
   */
  cells(key, apps) {
    const label = { title: 'Revoke', 'aria-label': `Revoke ${key.name}` };
    return [
      [
        element('span.spm-name', {}, key.name || 'Key without a name'),
        element('div.spm-faint', {}, `of ${key.login || 'a deleted account'}`),
      ],
      permission(key, apps),
      day(key.created),
      key.used ? day(key.used) : 'never',
      [
        key.expires ? day(key.expires) : 'never',
        key.state !== 'active' && [' ', element('span.label.label-default', {}, key.state)],
      ],
      button('', 'trash', 'default', () => this.revoke(key), label),
    ];
  }

  /** @param {Application[]} apps */
  create(apps) {
    showDialog({
      title: 'Create API key',
      submit: 'Create',
      icon: 'plus-squared',
      fields: fields(apps),
      blocked: ({ name, login }) => !name.trim() || !login.trim(),
      save: async ({ may, login, ...values }) => {
        const [purpose, app] = may.split(' ');
        this.made = await call('POST', PATH, { ...values, login: login.trim(), purpose, ...(app && { app_id: app }) });
        await this.reload();
        focusSecret(this.el);
      },
    });
  }

  /** @param {Key} key */
  revoke(key) {
    showConfirmation({
      title: 'Revoke API key',
      submit: 'Revoke',
      body: element(
        'p',
        {},
        'Programs that use the key ',
        element('strong.spm-name', {}, key.name),
        ` of ${key.login} will be refused from now on. What they have uploaded stays.`,
      ),
      save: () =>
        this.attempt(async () => {
          await call('DELETE', `${PATH}/${key._id}`);
          if (this.made?._id === key._id) this.made = null;
          notify('The key is revoked.');
        }),
    });
  }
}

/**
 * @param {Application[]} apps
 * @returns {import('./dialogs.js').Field[]}
 */
function fields(apps) {
  return [
    {
      name: 'name',
      label: 'Name',
      placeholder: 'Nightly build on linux-3',
      help: 'The machine and what it does there.',
    },
    {
      name: 'may',
      label: 'What it may do',
      type: 'choice',
      choices: [
        ...apps.map((app) => /** @type {[string, string]} */ ([`upload ${app._id}`, `Upload packages to ${app.name}`])),
        ['upload', 'Upload packages wherever its account may write'],
        ['read', 'Read what its account may read'],
        ['full', 'Everything that its account may do'],
      ],
    },
    accountField(
      'Uploads are made in its name, and with its access. Create an account for the machine, and let it write there.',
    ),
    { name: 'days', label: 'Expires after', type: 'choice', choices: LIFETIMES, value: DEFAULT_LIFETIME },
  ];
}

/**
 * The secret of a new key, which is shown once, with the commands that use it.
 *
 * @param {Key} key
 */
function secret({ key, name }) {
  const api = new URL('api/v1', window.location.href.replace(/#.*/, '')).href;
  const file = '~/.slicer-package-manager-key';
  return shownOnce('New key', [
    [['The key ', element('strong.spm-name', {}, name), ' is shown only now. Copy it to the machine:'], key || ''],
    [
      'There, store it in a file that only the account of the build can read: paste it, and press Ctrl+D.',
      `(umask 077; cat > ${file})`,
    ],
    [
      'Then see what the server says about it:',
      `slicer-package-manager-client --api-url ${api} --api-key-file ${file} whoami`,
    ],
  ]);
}
