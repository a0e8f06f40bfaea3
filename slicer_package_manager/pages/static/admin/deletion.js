// @ts-check
// The dialog that deletes an application, a release or a draft.

import { element } from '../dom.js';
import { showConfirmation } from './dialogs.js';
import { call, notify, showFailure } from './girder.js';
import { withProgress } from './progress.js';

/**
 * @typedef {object} Deletion
 * @property {string} type `application`, `release` or `draft`
 * @property {string} name
 * @property {string} [of] name of the application
 * @property {boolean} typeName whether the user has to type the name
 * @property {string} contents description of what is deleted as well
 * @property {string} path of the call
 * @property {number} total packages and extensions
 * @property {() => Promise<number>} remaining how many of them are left
 * @property {() => void} done called at the end
 */

/** @param {Deletion} deletion */
async function run({ type, name, path, total, remaining, done }) {
  try {
    await withProgress({
      title: `Deleting ${type} ${name}`,
      total,
      remaining,
      request: (more) => call('DELETE', path, more),
    });
    notify(`The ${type} “${name}” is deleted.`);
  } catch (failure) {
    showFailure(failure);
  }
  done();
}

/**
 * Ask for a confirmation, and delete.
 *
 * @param {Deletion} deletion
 */
export function showDeletion(deletion) {
  const { type, name, contents } = deletion;
  showConfirmation({
    title: `Delete ${type}`,
    submit: 'Delete',
    name: deletion.typeName ? name : undefined,
    body: element(
      'p',
      {},
      `This deletes the ${type} `,
      element('strong.spm-name', {}, name),
      `${deletion.of ? ` of ${deletion.of}` : ''} with ${contents}. It cannot be undone. Download counts stay.`,
    ),
    save: () => run(deletion),
  });
}
