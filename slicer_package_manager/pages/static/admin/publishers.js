// @ts-check
// The publishers of an application: workflows of CI services that upload without a stored secret.

import { element, fill, messageOf } from '../dom.js';
import { accountField } from './accounts.js';
import { showConfirmation, showDialog } from './dialogs.js';
import { appPath, call, notify, showFailure } from './girder.js';
import { PLUGIN } from './settings.js';
import { ACTIONS, listTable } from './tables.js';
import { button, day, header, spinner } from './widgets.js';

/** @typedef {Registry.Application} Application */

/**
 * A publisher, as the server describes it.
 *
 * @typedef {object} Publisher
 * @property {string} _id
 * @property {string} issuer
 * @property {string} repository
 * @property {string} repository_id
 * @property {string} workflow
 * @property {string} environment
 * @property {string} branch
 * @property {string[]} extensions
 * @property {boolean} packages
 * @property {string} login
 * @property {string} created
 */

const ISSUERS = `${PLUGIN}.oidc_issuers`;

/**
 * A part of the page of an application, for site administrators. It loads its content by itself.
 *
 * @param {Application} app
 */
export function publisherSection(app) {
  const place = element('div', {}, spinner());
  const reload = () => showPublishers(place, app, reload);
  reload();
  return [
    header(
      element('h2', {}, 'Publishers'),
      button('Register publisher', 'plus-squared', 'default', () => showRegistration(app, reload)),
    ),
    place,
  ];
}

/**
 * @param {HTMLElement} place
 * @param {Application} app
 * @param {() => void} reload
 */
async function showPublishers(place, app, reload) {
  try {
    /** @type {Publisher[]} */
    const found = await call('GET', appPath(app._id, 'publisher'));
    fill(
      place,
      found.length
        ? table(found, (one) => confirmRemoval(app, one, reload))
        : element('p', {}, 'No workflow of a CI service may upload without a stored secret.'),
    );
  } catch (failure) {
    fill(place, element('div.alert.alert-danger', {}, messageOf(failure)));
  }
}

/**
 * @param {Publisher[]} publishers
 * @param {(one: Publisher) => void} remove
 */
function table(publishers, remove) {
  const columns = ['Repository', 'Workflow', 'Uploads', 'Account', 'Registered', ACTIONS];
  return listTable(
    'Publishers',
    columns,
    publishers.map((one) => ({ id: one._id, cells: cells(one, remove) })),
  );
}

/**
 * @param {Publisher} one
 * @param {(one: Publisher) => void} remove
 * @returns {Content[]}
 */
function cells(one, remove) {
  const label = { title: 'Remove', 'aria-label': `Remove ${one.repository}, ${one.workflow}` };
  return [
    [
      element('span.spm-name', {}, one.repository),
      element('div.spm-faint', {}, `number ${one.repository_id} at ${one.issuer.replace('https://', '')}`),
    ],
    element('div', {}, element('code', {}, one.workflow), element('div.spm-faint', {}, conditions(one))),
    uploads(one),
    one.login || 'deleted',
    day(one.created),
    button('', 'trash', 'default', () => remove(one), label),
  ];
}

/** @param {Publisher} one */
export function conditions({ branch, environment }) {
  const found = [branch && `branch ${branch}`, environment && `environment ${environment}`];
  return found.filter(Boolean).join(', ');
}

/** @param {Publisher} one */
export function uploads({ extensions, packages }) {
  const names = extensions.includes('*') ? 'all extensions' : extensions.join(', ');
  return [names, packages && 'packages'].filter(Boolean).join(' and ');
}

/**
 * @param {Application} app
 * @param {Publisher} one
 * @param {() => void} reload
 */
function confirmRemoval(app, one, reload) {
  showConfirmation({
    title: 'Remove publisher',
    submit: 'Remove',
    body: element(
      'p',
      {},
      'The workflow ',
      element('code', {}, one.workflow),
      ' of ',
      element('strong.spm-name', {}, one.repository),
      ` will not be able to upload ${uploads(one)} any more. What it has uploaded stays.`,
    ),
    save: async () => {
      try {
        await call('DELETE', appPath(app._id, 'publisher', one._id));
        notify('The publisher is removed.');
      } catch (failure) {
        showFailure(failure);
      }
      reload();
    },
  });
}

/**
 * @param {Application} app
 * @param {() => void} reload
 */
async function showRegistration(app, reload) {
  let issuers;
  try {
    const services = Object.entries(await call('GET', 'system/setting', { key: ISSUERS }));
    // GitHub first.
    issuers = services.sort(([, one], [, other]) => one.localeCompare(other)).map(([issuer]) => issuer);
  } catch (failure) {
    showFailure(failure);
    return;
  }
  showDialog({
    title: `Register publisher of ${app.name}`,
    submit: 'Register',
    icon: 'plus-squared',
    body: element(
      'p',
      {},
      'A workflow that is registered uploads without a stored secret, in the name of an account that may write here.',
    ),
    fields: fields(issuers),
    blocked: ({ repository, repository_id: id, workflow, login }) =>
      ![repository, id, workflow, login].every((value) => value.trim()),
    save: async (values) => {
      await call('POST', appPath(app._id, 'publisher'), values);
      notify(`${values.repository.trim()} may upload now.`);
      reload();
    },
  });
}

/**
 * @param {string[]} issuers
 * @returns {import('./dialogs.js').Field[]}
 */
function fields(issuers) {
  return [
    {
      name: 'issuer',
      label: 'CI service',
      type: 'choice',
      choices: issuers.map((one) => [one, one.replace('https://', '')]),
      help: 'Its issuer of ID tokens. The settings of the plugin list those that are allowed.',
    },
    { name: 'repository', label: 'Repository', placeholder: 'owner/name' },
    {
      name: 'repository_id',
      label: 'Number of the repository',
      placeholder: '58719283',
      help: 'It stays when the repository is renamed. GitHub: https://api.github.com/repos/owner/name, “id”.',
    },
    {
      name: 'workflow',
      label: 'File of the workflow',
      placeholder: 'package.yml',
      help: 'GitHub: its name in .github/workflows. GitLab: its path, usually .gitlab-ci.yml.',
    },
    { name: 'branch', label: 'Branch', placeholder: 'main', help: 'Empty: any. Required without an environment.' },
    { name: 'environment', label: 'Environment of the job (optional)' },
    { name: 'extensions', label: 'Extensions', placeholder: 'SlicerIGT', help: 'Separated by commas; * for all.' },
    { name: 'packages', label: 'It may upload packages of the application', type: 'checkbox' },
    accountField('It must be able to write here.'),
  ];
}
