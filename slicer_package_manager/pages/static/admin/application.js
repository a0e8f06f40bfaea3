// @ts-check
// The page of one application: its releases and drafts, and the actions on them.

import { element } from '../dom.js';
import { counted, number, plainLines } from '../texts.js';
import { showDeletion } from './deletion.js';
import { showDialog } from './dialogs.js';
import { AccessType, appPath, call, formatSize, girder, isAdmin, notify, summaryOf } from './girder.js';
import { missingExtensions } from './missing.js';
import { editTemplates, PACKAGE_TYPES } from './name_templates.js';
import { forgetEditable } from './nav.js';
import { showPromotion } from './promote.js';
import { showPruning } from './prune.js';
import { publisherSection } from './publishers.js';
import { legend, releaseTable } from './release_table.js';
import { packageCount, rowContents, systemsOf } from './row.js';
import { searchBox } from './search.js';
import { webhookSection } from './webhooks.js';
import { breadcrumb, button, header, icon, nothingToEdit, Page } from './widgets.js';

/** @typedef {Registry.Application} Application */
/** @typedef {Registry.Row} Row */
/** @typedef {Registry.Total} Total */

/** Drafts on one page. */
const PAGE = 25;

export class ApplicationView extends Page {
  /** Number of the first draft that is shown. */
  offset = 0;

  /** @returns {Promise<Element>} */
  async load() {
    if (!girder.auth.getCurrentUser()) return nothingToEdit();
    const { app, total, ...rows } = await summaryOf(this.settings.id || '', { limit: PAGE, offset: this.offset });
    const editsAll = app.access >= AccessType.WRITE;
    const releases = rows.releases.filter((row) => editsAll || row.access >= AccessType.WRITE);
    const drafts = rows.drafts
      .filter((row) => editsAll || row.access >= AccessType.WRITE)
      .map((row) => ({ ...row, isDraft: true }));
    if (!editsAll && !releases.length && !drafts.length && !this.offset) return nothingToEdit();
    if (!drafts.length && this.offset) {
      this.offset = Math.max(this.offset - PAGE, 0);
      return this.load();
    }
    return this.content(app, total, releases, drafts);
  }

  /**
   * @param {Application} app
   * @param {Total} total
   * @param {Row[]} releases
   * @param {Row[]} drafts
   */
  content(app, total, releases, drafts) {
    const systems = systemsOf([...releases, ...drafts]);
    return element(
      'div.spm-page',
      {},
      breadcrumb(['Packages', 'packages'], [app.name]),
      searchBox(),
      this.heading(app, total),
      this.releases(app, releases, systems),
      this.drafts(app, total, drafts, releases, systems),
      missingExtensions(app),
      app.access >= AccessType.WRITE && webhookSection(app),
      this.templates(app),
      isAdmin() && publisherSection(app),
    );
  }

  /**
   * @param {Application} app
   * @param {Total} total
   */
  heading(app, total) {
    const facts = [
      counted(total.releases, 'release'),
      counted(total.drafts, 'draft'),
      counted(total.packages, 'package'),
      counted(total.extensions, 'extension'),
      formatSize(total.size),
      counted(total.downloads, 'download'),
    ];
    return [
      header(
        element(
          'h1.g-body-title.spm-name',
          {},
          app.name,
          ' ',
          app.public ? icon('globe', 'Public') : icon('lock', 'Private'),
        ),
        element('a.btn.btn-sm.btn-default', { href: `#folder/${app._id}` }, icon('folder-open'), 'Folder'),
        element(
          'a.btn.btn-sm.btn-default',
          { href: `#packages/${app._id}/statistics` },
          icon('chart-bar'),
          'Statistics',
        ),
        app.access >= AccessType.ADMIN &&
          button('Delete application', 'trash', 'danger', () => this.deleteApplication(app, total)),
      ),
      app.description && element('p.spm-description', {}, plainLines(app.description)),
      element(
        'p.spm-totals',
        {},
        facts.map((fact) => element('span', {}, fact)),
      ),
    ];
  }

  /**
   * @param {Application} app
   * @param {Row[]} rows
   * @param {Registry.System[]} systems
   */
  releases(app, rows, systems) {
    const table = () => [
      releaseTable(rows, {
        systems,
        caption: 'Releases',
        revision: true,
        actions: (row) => this.deleteButton(app, row),
        changeReady: (row, value) => this.changeReady(app, row, value),
      }),
      legend(),
    ];
    return [
      header(
        element('h2', {}, 'Releases'),
        app.access >= AccessType.WRITE &&
          button('Create release', 'plus-squared', 'default', () => this.createRelease(app)),
      ),
      rows.length ? table() : element('p', {}, 'There is no release yet.'),
    ];
  }

  /**
   * @param {Application} app
   * @param {Total} total
   * @param {Row[]} rows
   * @param {Row[]} releases
   * @param {Registry.System[]} systems
   */
  drafts(app, total, rows, releases, systems) {
    const table = () => [
      releaseTable(rows, {
        systems,
        caption: 'Drafts',
        actions: (row) => [this.promoteButton(app, row, releases), this.deleteButton(app, row)],
        changeReady: (row, value) => this.changeReady(app, row, value),
      }),
      !releases.length && legend(),
      this.pager(total.drafts),
    ];
    return [
      header(
        element('h2', {}, 'Drafts'),
        app.access >= AccessType.ADMIN &&
          total.drafts > 0 &&
          button('Prune drafts…', 'trash', 'default', () => showPruning(app, () => this.reloadIfOpen())),
      ),
      rows.length ? table() : element('p', {}, 'There is no draft.'),
    ];
  }

  /** @param {Application} app */
  templates(app) {
    const edit = () => editTemplates(app, () => this.reload());
    return [
      header(element('h2', {}, 'Names'), app.access >= AccessType.WRITE && button('Edit', 'edit', 'default', edit)),
      element(
        'dl.spm-facts',
        {},
        Object.entries(PACKAGE_TYPES).map(([type, { label }]) => [
          element('dt', {}, label),
          element('dd', {}, element('code', {}, app.templates[type])),
        ]),
      ),
    ];
  }

  /**
   * @param {Application} app
   * @param {Row} row a draft
   * @param {Row[]} releases
   */
  promoteButton(app, row, releases) {
    const release = releases.find((one) => one.revision === row.revision);
    if (Math.min(row.access, (release || app).access) < AccessType.WRITE) return null;
    const promote = () => showPromotion(app, row, release, () => this.reloadIfOpen());
    return button('Promote', 'flag-checkered', 'default', promote, { 'aria-label': `Promote ${row.name}` });
  }

  /**
   * @param {Application} app
   * @param {Row} row
   */
  deleteButton(app, row) {
    if (row.access < AccessType.ADMIN) return null;
    const label = { title: 'Delete', 'aria-label': `Delete ${row.name}` };
    return button('', 'trash', 'default', () => this.deleteRow(app, row), label);
  }

  /** @param {number} total */
  pager(total) {
    if (total <= PAGE) return null;
    const go = (/** @type {number} */ offset) => () => {
      this.offset = offset;
      this.reload();
    };
    const last = Math.min(this.offset + PAGE, total);
    return element(
      'div.spm-pager',
      {},
      button('« Newer', null, 'default', go(this.offset - PAGE), { disabled: this.offset === 0 }),
      element('span', {}, `${number(this.offset + 1)} to ${number(last)} of ${number(total)}`),
      button('Older »', null, 'default', go(this.offset + PAGE), { disabled: last === total }),
    );
  }

  /**
   * @param {Application} app
   * @param {Row} row
   * @param {string} ready `auto`, `true` or `false`
   */
  changeReady(app, row, ready) {
    const path = appPath(app._id, row.isDraft ? 'draft' : 'release', row._id, 'ready');
    return this.attempt(() => call('PUT', path, { ready }));
  }

  /** @param {Application} app */
  createRelease(app) {
    showDialog({
      title: `Create release of ${app.name}`,
      submit: 'Create',
      icon: 'plus-squared',
      fields: [
        { name: 'name', label: 'Name', placeholder: '5.8.1' },
        {
          name: 'app_revision',
          label: 'Revision',
          placeholder: '33241',
          help: 'From now on, uploads for this revision of the application go to the release.',
        },
        { name: 'description', label: 'Description (optional)' },
        {
          name: 'public',
          label: 'Everyone may read it',
          type: 'checkbox',
          value: app.public,
          help: app.public ? null : 'The application is private, so its releases are, too.',
        },
      ],
      blocked: ({ name, app_revision: revision }) => !name.trim() || !revision.trim(),
      save: async (values) => {
        /** @type {{name: string}} */
        const release = await call('POST', appPath(app._id, 'release'), values);
        notify(`The release “${release.name}” is created.`);
        this.reload();
      },
    });
  }

  /**
   * @param {Application} app
   * @param {Total} total
   */
  deleteApplication(app, total) {
    showDeletion({
      type: 'application',
      name: app.name,
      typeName: true,
      contents:
        `${counted(total.releases, 'release')}, ${counted(total.drafts, 'draft')}, ` +
        `${counted(total.packages, 'package')} and ${counted(total.extensions, 'extension')} (${formatSize(total.size)})`,
      path: appPath(app._id),
      total: total.packages + total.extensions,
      remaining: async () => {
        const left = (await summaryOf(app._id, { limit: 1 })).total;
        return left.packages + left.extensions;
      },
      done: () => {
        if (!this.turn) return;
        forgetEditable();
        girder.router.navigate('packages', { trigger: true });
      },
    });
  }

  /**
   * @param {Application} app
   * @param {Row} row
   */
  deleteRow(app, row) {
    showDeletion({
      type: row.isDraft ? 'draft' : 'release',
      name: row.name,
      of: app.name,
      typeName: !row.isDraft,
      contents: `${rowContents(row)}, ${formatSize(row.size)}`,
      path: appPath(app._id, 'release', row._id),
      total: packageCount(row),
      remaining: async () => {
        const { releases, drafts } = await summaryOf(app._id, { limit: 0 });
        const left = [...releases, ...drafts].find((one) => one._id === row._id);
        return left ? packageCount(left) : 0;
      },
      done: () => this.reloadIfOpen(),
    });
  }
}
