// @ts-check
// The dialog that promotes a draft to a release.

import { element } from '../dom.js';
import { showDialog } from './dialogs.js';
import { appPath, call, formatSize, notify, showFailure } from './girder.js';
import { withProgress } from './progress.js';
import { rowContents } from './row.js';

/**
 * @param {Registry.Application} app
 * @param {Registry.Row} row
 * @param {{_id: string, name: string}} release
 */
async function promote(app, row, release) {
  try {
    await withProgress({
      title: `Promoting ${row.revision} to ${release.name}`,
      request: (more) =>
        call('POST', appPath(app._id, 'release', release._id, 'promote'), { revision: row.revision, ...more }),
    });
    notify(`Revision ${row.revision} is the release “${release.name}” now.`);
  } catch (failure) {
    showFailure(failure);
  }
}

/**
 * Show the dialog that promotes a draft, to the release of its revision or to a new one.
 *
 * @param {Registry.Application} app
 * @param {Registry.Row} row the draft
 * @param {Registry.Row | undefined} release
 * @param {() => void} done called at the end
 */
export function showPromotion(app, row, release, done) {
  const target = release && [' ', element('strong.spm-name', {}, release.name)];
  showDialog({
    title: `Promote ${row.name}`,
    submit: 'Promote',
    icon: 'flag-checkered',
    body: element(
      'p',
      {},
      'This moves all packages and extensions of the draft ',
      element('strong.spm-name', {}, row.name),
      ` (${rowContents(row)}, ${formatSize(row.size)}) to the release`,
      target,
      '. Nothing has to be uploaded again; links and download counts stay. The draft is deleted.',
    ),
    fields: release
      ? []
      : [
          { name: 'name', label: 'Name of the release', placeholder: '5.8.1' },
          { name: 'description', label: 'Description (optional)' },
          { name: 'public', label: 'Everyone may read it', type: 'checkbox', value: app.public },
        ],
    blocked: ({ name }) => !release && !name.trim(),
    save: async (values) => {
      /** @type {{_id: string, name: string}} */
      const found =
        release || (await call('POST', appPath(app._id, 'release'), { ...values, app_revision: row.revision }));
      promote(app, row, found).then(done);
    },
  });
}
