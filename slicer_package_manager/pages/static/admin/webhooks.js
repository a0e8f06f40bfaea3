// @ts-check
// The webhooks of an application, which notify authors when builds begin or cease to lack their extension.

import { element, fill, messageOf } from '../dom.js';
import { number } from '../texts.js';
import { showConfirmation, showDialog } from './dialogs.js';
import { appPath, call, notify, showFailure, warn } from './girder.js';
import { focusSecret, shownOnce } from './secrets.js';
import { ACTIONS, listTable } from './tables.js';
import { button, day, header, spinner } from './widgets.js';

/** @typedef {Registry.Application} Application */

/**
 * A webhook, as the server describes it; only the answer to its creation has the `secret`.
 *
 * @typedef {object} Webhook
 * @property {string} _id
 * @property {string} name
 * @property {string} url
 * @property {number} waiting
 * @property {{time: string, problem: string} | null} last
 * @property {string} [secret]
 */

/** Characters of a URL that are shown. */
const LONGEST = 60;

/**
 * A part of the page of an application, for those who may write to it. It loads its content by itself.
 *
 * @param {Application} app
 */
export function webhookSection(app) {
  const place = element('div', {}, spinner());
  const reload = (/** @type {Webhook | undefined} */ made) => showWebhooks(place, app, reload, made);
  reload(undefined);
  return [
    header(
      element('h2', {}, 'Webhooks'),
      button('Add webhook', 'plus-squared', 'default', () => showAddition(app, reload)),
    ),
    place,
  ];
}

/** @typedef {(made?: Webhook) => Promise<void>} Reload shows the webhooks, with the secret of the one that was added */

/**
 * @param {HTMLElement} place
 * @param {Application} app
 * @param {Reload} reload
 * @param {Webhook} [made]
 */
async function showWebhooks(place, app, reload, made) {
  try {
    /** @type {Webhook[]} */
    const found = await call('GET', appPath(app._id, 'webhook'));
    fill(
      place,
      made && secret(made),
      found.length
        ? listTable(
            'Webhooks',
            ['Extension', 'Address', 'Last delivery', 'Waiting', ACTIONS],
            found.map((one) => ({ id: one._id, cells: cells(app, one, reload) })),
          )
        : element('p', {}, 'No one is notified when builds lack an extension.'),
    );
  } catch (failure) {
    fill(place, element('div.alert.alert-danger', {}, messageOf(failure)));
  }
}

/**
 * The beginning of an address, whose end may have a secret.
 *
 * @param {string} url
 */
export const shortAddress = (url) => (url.length > LONGEST ? `${url.slice(0, LONGEST)}…` : url);

/**
 * @param {Application} app
 * @param {Webhook} one
 * @param {Reload} reload
 * @returns {Content[]}
 */
function cells(app, one, reload) {
  const { name, url, waiting, last } = one;
  return [
    element('span.spm-name', {}, name),
    element('span.spm-name', { title: url }, shortAddress(url)),
    last ? [day(last.time), ' ', last.problem || 'accepted'] : 'none yet',
    number(waiting),
    [
      button('Test', null, 'default', () => test(app, one), { 'aria-label': `Test ${name}, ${url}` }),
      button('', 'trash', 'default', () => confirmRemoval(app, one, reload), {
        title: 'Remove',
        'aria-label': `Remove ${name}, ${url}`,
      }),
    ],
  ];
}

/**
 * @param {Application} app
 * @param {Webhook} one
 */
async function test(app, { _id, url }) {
  try {
    /** @type {{problem: string}} */
    const { problem } = await call('POST', appPath(app._id, 'webhook', _id, 'ping'));
    if (problem) warn(`${shortAddress(url)} has not accepted the test: ${problem}`);
    else notify(`${shortAddress(url)} has accepted the test.`);
  } catch (failure) {
    showFailure(failure);
  }
}

/**
 * @param {Application} app
 * @param {Reload} reload
 */
function showAddition(app, reload) {
  showDialog({
    title: 'Add webhook',
    submit: 'Add',
    icon: 'plus-squared',
    body: element(
      'p',
      {},
      'The server notifies the address when the newest builds begin to lack the extension, and when they have it again.',
    ),
    fields: [
      { name: 'name', label: 'Extension', placeholder: 'SlicerIGT', help: 'As the extension index names it.' },
      {
        name: 'url',
        label: 'Address',
        placeholder: 'https://hooks.example.org/slicer',
        help: 'By https, on a host that an administrator has allowed in the settings.',
      },
    ],
    blocked: ({ name, url }) => !name.trim() || !url.trim(),
    save: async ({ name, url }) => {
      /** @type {Webhook} */
      const made = await call('POST', appPath(app._id, 'webhook'), { name: name.trim(), url: url.trim() });
      await reload(made);
      focusSecret(document.body);
    },
  });
}

/** @param {Webhook} made */
const secret = ({ name, secret: text }) =>
  shownOnce('New webhook', [
    [
      [
        'The server signs what it sends about ',
        element('strong.spm-name', {}, name),
        ' with this secret, which is shown only now. Store it where the deliveries arrive:',
      ],
      text || '',
    ],
  ]);

/**
 * @param {Application} app
 * @param {Webhook} one
 * @param {Reload} reload
 */
function confirmRemoval(app, { _id, name, url }, reload) {
  showConfirmation({
    title: 'Remove webhook',
    submit: 'Remove',
    body: element(
      'p',
      {},
      element('span.spm-name', {}, shortAddress(url)),
      ' will not be notified any more when builds lack ',
      element('strong.spm-name', {}, name),
      '.',
    ),
    save: async () => {
      try {
        await call('DELETE', appPath(app._id, 'webhook', _id));
        notify('The webhook is removed.');
      } catch (failure) {
        showFailure(failure);
      }
      await reload();
    },
  });
}
