// @ts-check
// Panels on Girder's own pages of folders and items, with what Girder does not show of packages.

import { element, webAddress } from '../dom.js';
import { counted, number } from '../texts.js';
import { appPath, call, formatSize, girder, summaryOf } from './girder.js';
import { PACKAGE_TYPES } from './name_templates.js';
import { editable } from './nav.js';
import { releaseTable } from './release_table.js';
import { systemsOf } from './row.js';
import { icon } from './widgets.js';

/** Drafts that are requested at first: most drafts that are opened are among the newest. */
const PAGE = 50;

/** @typedef {{name: string, linkUrl?: string}} File */

/**
 * @param {string} title
 * @param {Content} link
 * @param {Content} content
 */
const panel = (title, link, content) =>
  element(
    'section.spm-panel',
    { 'aria-label': title },
    element('div.spm-panel-header', {}, element('span', {}, icon('box-1'), ` ${title}`), link),
    content,
  );

/**
 * A list of names with their values; empty values are left out.
 *
 * @param {...[name: string, value: Content]} pairs
 */
const facts = (...pairs) =>
  element(
    'dl.spm-facts',
    {},
    pairs.filter(([, value]) => value).map(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
  );

/**
 * A link to another site; just the text unless it is an http or https URL.
 *
 * @param {string} url
 */
const outside = (url) =>
  webAddress(url) ? element('a', { href: url, rel: 'noopener noreferrer', target: '_blank' }, url) : url;

/** @param {string} appId */
async function manageLink(appId) {
  const apps = await editable();
  return apps.some((one) => one._id === appId) && element('a', { href: `#packages/${appId}` }, icon('cog'), ' Manage');
}

/**
 * @param {File[]} files
 * @param {Girder.Model} item
 */
function fileFact(files, item) {
  if (!files.length) return 'none yet: users who may only read do not see this item in lists';
  const link = files.find((one) => one.linkUrl);
  const download = element('a', { href: item.downloadUrl() }, files[files.length - 1].name);
  return link?.linkUrl ? [download, ', hosted at ', outside(link.linkUrl)] : [download, ', stored on this server'];
}

/**
 * The panel of a package or extension; `null` for other items.
 *
 * @param {Girder.Model} item
 */
async function itemPanel(item) {
  const meta = item.get('meta') || {};
  if (!/^[0-9a-f]{24}$/.test(meta.app_id) || typeof meta.baseName !== 'string') return null;
  const isPackage = meta.app_revision === undefined;
  const type = isPackage ? 'package' : 'extension';
  /** @type {Registry.Item[]} */
  const [found] = await call('GET', appPath(meta.app_id, type), { [`${type}_id`]: item.id, with_downloads: true });
  if (!found) return null;
  const [app, files, link] = await Promise.all([
    /** @type {Promise<Registry.Application>} */ (call('GET', appPath(meta.app_id))),
    /** @type {Promise<File[]>} */ (call('GET', `item/${item.id}/files`)),
    manageLink(meta.app_id),
  ]);
  const known = /** @type {Record<string, string>} */ (found.meta);
  const revision = isPackage ? known.revision : `${known.app_revision} of the application`;
  return panel(
    isPackage ? 'Package' : 'Extension',
    link,
    facts(
      ['Application', app.name],
      ['Identity', `${known.baseName} for ${known.os} ${known.arch}, revision ${revision}`],
      ['Version', known.version],
      isPackage ? ['In', known.release ? `release ${known.release}` : 'a draft'] : ['Revision', known.revision],
      ['File', fileFact(files, item)],
      ['SHA-512', known.sha512 && element('code', {}, known.sha512)],
      ['Downloads', number(found.downloads || 0)],
    ),
  );
}

/**
 * The row of a release or draft in the summary of its application, with the systems of its table; `null` if it has none.
 *
 * @param {string} appId
 * @param {string} id
 */
async function rowOf(appId, id) {
  for (const limit of [PAGE, 0]) {
    const { releases, drafts } = await summaryOf(appId, { limit });
    for (const [title, rows] of /** @type {const} */ ([
      ['Release', releases],
      ['Draft', drafts],
    ])) {
      const row = rows.find((one) => one._id === id);
      if (row) return { title, row, systems: systemsOf(rows) };
    }
  }
  return null;
}

/** @param {Girder.Model} model */
function isApplication(model) {
  const meta = model.get('meta') || {};
  return model.resourceName === 'folder' && Object.values(PACKAGE_TYPES).some(({ key }) => meta[key] !== undefined);
}

/** @param {string} appId */
async function applicationPanel(appId) {
  const { total } = await summaryOf(appId, { limit: 1 });
  const contents = [
    counted(total.releases, 'release'),
    counted(total.drafts, 'draft'),
    counted(total.packages, 'package'),
    counted(total.extensions, 'extension'),
  ].join(', ');
  return panel(
    'Application',
    await manageLink(appId),
    facts(['Contents', contents], ['Size', formatSize(total.size)], ['Downloads', number(total.downloads)]),
  );
}

/**
 * The panel of an application, a release or a draft; `null` for other folders.
 *
 * @param {Girder.Model[]} models the folder with all folders above it, itself last
 */
async function folderPanel(models) {
  const at = models.findIndex(isApplication);
  if (at < 0) return null;
  // Below an application there is a release, or the folder of drafts and in it a draft.
  const below = models.slice(at + 1);
  const inDrafts = below.length > 0 && below[0].name() === 'draft';
  const folder = below[inDrafts ? 1 : 0];
  if (below.length > (inDrafts ? 2 : 1) || (inDrafts && !folder)) return null;
  const appId = models[at].id;
  if (!folder) return applicationPanel(appId);
  const [found, link] = await Promise.all([rowOf(appId, folder.id), manageLink(appId)]);
  if (!found) return null;
  const { title, row, systems } = found;
  return panel(title, link, releaseTable([row], { systems, caption: row.name, revision: title === 'Release' }));
}

/**
 * Add a panel to a page once it is loaded; without a panel, or after a failure, the page stays as it is.
 *
 * @param {Promise<Element | null>} loading
 * @param {(panel: Element) => void} insert
 */
async function add(loading, insert) {
  const loaded = await loading.catch(() => null);
  if (loaded) insert(loaded);
}

/**
 * Identify this drawing of a view: a panel that is loaded after the next one began is dropped.
 *
 * @param {Girder.View} view
 */
function newTurn(view) {
  const turn = {};
  view.spmTurn = turn;
  return turn;
}

/**
 * Draw an item and add its panel.
 *
 * @this {Girder.View}
 * @param {() => void} render
 */
function renderItem(render) {
  render.call(this);
  const turn = newTurn(this);
  // Girder draws the page after it knows the level of access.
  const drawn =
    this.model.has('_accessLevel') || new Promise((resolve) => this.model.once('change:_accessLevel', resolve));
  const loading = Promise.all([itemPanel(this.model), drawn]).then(([made]) => made);
  add(loading, (made) => {
    if (this.spmTurn === turn) this.el?.querySelector('.g-item-info')?.after(made);
  });
  return this;
}

/**
 * Draw the content of a folder and add its panel.
 *
 * @this {Girder.View}
 * @param {() => void} render
 */
function renderFolder(render) {
  render.call(this);
  const turn = newTurn(this);
  // The dialogs in which users choose a folder have no room for a panel.
  if (this._routing && this._showActions && this.parentModel.resourceName === 'folder') {
    add(folderPanel(this.breadcrumbs), (made) => {
      if (this.spmTurn === turn) this.el?.querySelector('.g-folder-list-container')?.before(made);
    });
  }
  return this;
}

/** Add the panels whenever Girder draws an item or a folder. */
export function addPanels() {
  const { wrap } = girder.utilities.PluginUtils;
  wrap(girder.views.body.ItemView, 'render', renderItem);
  wrap(girder.views.widgets.HierarchyWidget, 'render', renderFolder);
}
