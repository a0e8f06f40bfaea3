// @ts-check
// How the server is used, for site administrators: storage and quotas, uploads, unfinished uploads, broken links.

import { element } from '../dom.js';
import { number } from '../texts.js';
import { call, formatSize, isAdmin } from './girder.js';
import { share } from './statistics.js';
import { listTable } from './tables.js';
import { breadcrumb, day, header, Page } from './widgets.js';

/** @typedef {{_id: string, name: string, bytes: number, quota: number | null}} Application */
/** @typedef {{login: string, files: number, bytes: number, last: string}} Uploads by one account */
/** @typedef {{name: string, login: string, size: number, received: number, updated: string}} Unfinished */
/** @typedef {{item: string, name: string, url: string, state: string, reason: string, checked: string}} BrokenLink */
/** @typedef {{applications: Application[], days: number, uploads: Uploads[], unfinished: Unfinished[], broken_links: BrokenLink[]}} Usage */
/** @typedef {{name: string, type?: string, capacity?: {free: number | null, total: number | null}}} Assetstore */

export const USAGE_ROUTE = 'packages/server/usage';
const DELETED = 'deleted account';

export class UsageView extends Page {
  /** @returns {Promise<Element>} */
  async load() {
    if (!isAdmin()) return element('p', {}, 'Must be logged in as admin to view this page.');
    /** @type {[Usage, Assetstore[]]} */
    const [usage, stores] = await Promise.all([
      call('GET', 'slicer_package_manager/usage'),
      call('GET', 'assetstore', { limit: 0 }),
    ]);
    return element(
      'div.spm-page',
      {},
      breadcrumb(['Packages', 'packages'], ['Usage']),
      header(element('h1.g-body-title', {}, 'Usage of the server')),
      section('Storage', ['Place', 'Free', 'Used'], stores.map(store), 'There is no assetstore.'),
      section('Applications', ['Application', 'Size', 'Quota', 'Used'], usage.applications.map(application), 'None.'),
      section(
        `Uploads of the last ${usage.days} days`,
        ['Account', 'Files', 'Share', 'Size', 'Last'],
        usage.uploads.map((one) => account(one, usage.uploads)),
        'Nothing was uploaded.',
      ),
      section(
        'Unfinished uploads',
        ['File', 'Account', 'Received', 'Last'],
        usage.unfinished.map(unfinished),
        'No upload broke off in the last hours.',
      ),
      section(
        'Broken links',
        ['Package', 'Found', 'Checked'],
        usage.broken_links.map(brokenLink),
        'The last check has found none. Check links with “slicer-package-manager links check”.',
      ),
    );
  }
}

/**
 * @param {string} title
 * @param {string[]} columns
 * @param {Content[][]} rows the first cell of each is its name
 * @param {string} none text without rows
 */
function section(title, columns, rows, none) {
  return element(
    'section',
    {},
    header(element('h2', {}, title)),
    rows.length
      ? listTable(
          title,
          columns,
          rows.map((cells) => ({ cells })),
        )
      : element('p', {}, none),
  );
}

/**
 * A bar beside its share in percent.
 *
 * @param {number} part
 * @param {number} whole
 */
const bar = (part, whole) => [
  element('meter.spm-bar.spm-part', { max: whole || 1, value: part, 'aria-hidden': 'true' }),
  ` ${share(part, whole)}`,
];

/**
 * @param {Assetstore} one
 * @returns {Content[]}
 */
function store({ name, capacity }) {
  const { free, total } = capacity || {};
  return total && typeof free === 'number'
    ? [name, `${formatSize(free)} of ${formatSize(total)}`, bar(total - free, total)]
    : [name, 'unknown', ''];
}

/**
 * @param {Application} one
 * @returns {Content[]}
 */
const application = ({ _id, name, bytes, quota }) => [
  element('a.spm-name', { href: `#packages/${_id}` }, name),
  formatSize(bytes),
  quota === null ? 'none' : formatSize(quota),
  quota === null ? '' : bar(bytes, quota),
];

/**
 * @param {Uploads} one
 * @param {Uploads[]} all
 * @returns {Content[]}
 */
function account({ login, files, bytes, last }, all) {
  const total = all.reduce((sum, one) => sum + one.files, 0);
  return [login || DELETED, number(files), bar(files, total), formatSize(bytes), day(last)];
}

/**
 * @param {Unfinished} one
 * @returns {Content[]}
 */
const unfinished = ({ name, login, size, received, updated }) => [
  element('span.spm-name', {}, name),
  login || DELETED,
  `${formatSize(received)} of ${formatSize(size)}`,
  day(updated),
];

/**
 * @param {BrokenLink} one
 * @returns {Content[]}
 */
const brokenLink = ({ item, name, url, state, reason, checked }) => [
  [element('a.spm-name', { href: `#item/${item}` }, name), element('div.spm-faint.spm-name', {}, url)],
  `${state}: ${reason}`,
  day(checked),
];
