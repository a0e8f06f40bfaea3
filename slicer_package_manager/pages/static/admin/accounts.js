// @ts-check
// A field for the login of an account, which is found by the beginning of its login or of a part of its name.

import { suggestions } from './combobox.js';
import { call } from './girder.js';

/** @typedef {{login: string, firstName: string, lastName: string}} Account */

/** Accounts that are suggested at most; more letters lead to the others. */
const MOST = 10;

/**
 * The accounts that `text` may mean; without a text, the first ones.
 *
 * @param {string} text
 * @returns {Promise<import('./combobox.js').Suggestion[]>}
 */
async function search(text) {
  // Girder compares one word, with the beginning of the login and of each name.
  const [word, ...more] = text.trim().toLowerCase().split(/\s+/);
  const parameters = { q: word, mode: 'prefix', types: JSON.stringify(['user']), limit: more.length ? 0 : MOST };
  /** @type {Account[]} */
  const found = word
    ? (await call('GET', 'resource/search', parameters)).user
    : await call('GET', 'user', { limit: MOST, sort: 'login' });
  const shown = found.map(
    ({ login, firstName, lastName }) =>
      /** @type {import('./combobox.js').Suggestion} */ ([login, `${firstName} ${lastName}`]),
  );
  return shown.filter((one) => more.every((part) => one.join(' ').toLowerCase().includes(part))).slice(0, MOST);
}

/**
 * A field for the login of an account.
 *
 * @param {string} help
 * @returns {import('./dialogs.js').Field}
 */
export const accountField = (help) => ({
  name: 'login',
  label: 'Account',
  placeholder: 'buildbot',
  help: `Its login. Type the beginning of it, or of a name, to find it. ${help}`,
  beside: (control) => suggestions(/** @type {HTMLInputElement} */ (control), 'Accounts', search),
});
