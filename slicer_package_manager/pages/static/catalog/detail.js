// @ts-check
// The page of one extension.

import { APP, get } from '../api.js';
import { element, fill, messageOf, webAddress } from '../dom.js';
import { day, number, richText, size } from '../texts.js';
import { embedded } from './bridge.js';
import { buildName, byRevision, systemName } from './builds.js';
import { byMonth, chart } from './chart.js';
import { showOrigin } from './origin.js';
import { action, icon, revisionLink, tierChip } from './parts.js';
import { tierName } from './tiers.js';

/** @typedef {import('./selection.js').Extension} Extension */
/** @typedef {Registry.Item} Item */

/**
 * What the page shows.
 *
 * @typedef {object} About
 * @property {Extension | null} extension `null` if there is none for this build
 * @property {string} name of the extension
 * @property {string} build name of the build
 * @property {import('./explain.js').To} to
 * @property {(name: string) => boolean} has whether this build has an extension of that name
 * @property {Map<string, string>} releases names by revisions
 */

/**
 * Show an extension in `place`.
 *
 * @param {HTMLElement} place
 * @param {About} about
 * @returns {() => void} updates the button when Slicer's state of the extension changes
 */
export function showDetail(place, about) {
  const button = about.extension ? action(about.extension) : null;
  const builds = element('div', {}, element('p.muted', {}, 'Loading…'));
  const downloads = element('div', {}, element('p.muted', {}, 'Loading…'));
  const back = element(
    'p.back',
    {},
    element('a', { href: about.to({ extension: null }), 'data-page': true }, '← All extensions'),
  );
  const unknown = () =>
    fill(
      place,
      back,
      element('section.panel', {}, element('h1', { tabindex: -1 }, `There is no extension “${about.name}”.`)),
    );
  fill(
    place,
    back,
    about.extension && button ? present(about, about.extension, button.place) : missing(about),
    element('section.panel', {}, element('h2', {}, 'Builds'), builds),
    element('section.panel', {}, element('h2', {}, 'Downloads'), downloads),
  );
  showBuilds(builds, about, unknown);
  showDownloads(downloads, about.name);
  return button ? button.update : () => {};
}

/**
 * @param {About} about
 * @param {Extension} extension
 * @param {HTMLElement} button
 */
function present(about, extension, button) {
  const pictures = extension.screenshots.map(webAddress).filter((one) => one !== null);
  return [
    element(
      'div.title',
      {},
      icon(extension, true),
      element(
        'div.name',
        {},
        element('h1', { tabindex: -1 }, extension.name),
        element(
          'p.chips',
          {},
          element('span.chip', {}, extension.category),
          tierChip(extension),
          element('span.muted.small', {}, about.build),
        ),
      ),
      button,
    ),
    element(
      'div.columns',
      {},
      element(
        'div.main',
        {},
        element(
          'section.panel.description',
          {},
          ...(extension.description ? richText(extension.description) : [element('p.muted', {}, 'No description.')]),
        ),
        pictures.length > 0 &&
          element('section.panel', {}, element('h2', {}, 'Screenshots'), gallery(extension, pictures)),
      ),
      element('aside.panel', { 'aria-label': 'Facts' }, facts(about, extension)),
    ),
  ];
}

/** @param {About} about */
function missing({ name, build }) {
  return [
    element('div.title', {}, element('div.name', {}, element('h1', { tabindex: -1 }, name))),
    element(
      'section.panel.hint',
      {},
      element('h2', {}, `Not available for ${build}`),
      element(
        'p',
        {},
        'Either it could not be built for that, or it is not meant for it. ' +
          'Below is what there is, and when it was built last.',
      ),
    ),
  ];
}

/**
 * @param {Extension} extension
 * @param {string[]} pictures URLs
 */
function gallery({ name }, pictures) {
  return element(
    'ul.gallery',
    {},
    ...pictures.map((src, index) => {
      const entry = element(
        'li',
        {},
        element(
          'a',
          { href: src, rel: 'noopener noreferrer' },
          element('img', {
            src,
            alt: `Screenshot ${index + 1} of ${name}`,
            loading: 'lazy',
            decoding: 'async',
            onerror: () => entry.remove(),
          }),
        ),
      );
      return entry;
    }),
  );
}

/**
 * @param {About} about
 * @param {Extension} extension
 */
function facts(about, extension) {
  const homepage = webAddress(extension.homepage);
  /** @type {[string, Content][]} */
  const rows = [
    ['Updated', day(extension.updated)],
    ['Revision', revisionLink(extension)],
    ['Homepage', homepage && element('a', { href: homepage, rel: 'noopener noreferrer' }, new URL(homepage).hostname)],
    ['Contributors', extension.contributors],
    ['License', extension.license],
    ['Support', tierName(extension.tier)],
    ['Status', extension.development_status],
    ['Requires', others(about, extension.dependencies)],
    ['Recommended', others(about, extension.recommends)],
    ['Keywords', extension.keywords],
    ['Size', extension.size ? size(extension.size) : ''],
    ['Downloads of this build', number(extension.downloads)],
  ];
  const list = element(
    'dl.facts',
    {},
    ...rows
      .filter(([, value]) => value)
      .map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
  );
  showOrigin(list, extension.id);
  return list;
}

/**
 * @param {About} about
 * @param {string[]} names of other extensions
 */
function others({ to, has }, names) {
  return names.length
    ? element(
        'ul.plain',
        {},
        ...names.map((name) =>
          element(
            'li',
            {},
            element('a', { href: to({ extension: name }), 'data-page': true }, name),
            !has(name) && element('span.muted', {}, ' (not available for this build)'),
          ),
        ),
      )
    : '';
}

/**
 * @param {HTMLElement} place
 * @param {About} about
 * @param {() => void} unknown shows that there is no such extension
 */
async function showBuilds(place, about, unknown) {
  try {
    /** @type {Item[]} */
    const items = await get(`app/${APP}/extension`, { baseName: about.name, limit: 0, sort: 'updated' });
    if (items.length) fill(place, buildTable(items, about));
    else unknown();
  } catch (error) {
    fill(place, element('p.failure', {}, messageOf(error)));
  }
}

/**
 * @param {Item[]} items
 * @param {About} about
 */
function buildTable(items, { to, releases }) {
  /** @type {Map<string, Registry.System>} */
  const systems = new Map();
  /** @type {Map<string, Map<string, string>>} */
  const revisions = new Map();
  for (const { meta, updated } of items) {
    const system = `${meta.os} ${meta.arch}`;
    systems.set(system, { os: meta.os, arch: meta.arch });
    const built = revisions.get(meta.app_revision) || new Map();
    revisions.set(meta.app_revision, built);
    if (!built.has(system)) built.set(system, updated);
  }
  const columns = [...systems].sort(([one], [other]) => one.localeCompare(other));
  /** @type {(revision: string, os: string, arch: string, updated?: string) => Content} */
  const cell = (revision, os, arch, updated) =>
    !updated
      ? element('span', { title: 'Not available' }, '–')
      : embedded()
        ? day(updated)
        : element('a', { href: to({ revision, os, arch, category: 'All', q: '' }), 'data-page': true }, day(updated));
  return element(
    'div.scroll',
    { tabindex: 0, role: 'region', 'aria-label': 'Builds by revision and system' },
    element(
      'table.builds',
      {},
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          element('th', { scope: 'col' }, 'For'),
          ...columns.map(([, { os, arch }]) => element('th', { scope: 'col' }, systemName(os, arch))),
        ),
      ),
      element(
        'tbody',
        {},
        ...[...revisions]
          .sort(([one], [other]) => byRevision(one, other))
          .map(([revision, built]) =>
            element(
              'tr',
              {},
              element('th', { scope: 'row' }, buildName({ revision, release: releases.get(revision) })),
              ...columns.map(([system, { os, arch }]) =>
                element('td', {}, cell(revision, os, arch, built.get(system))),
              ),
            ),
          ),
      ),
    ),
  );
}

/**
 * @param {HTMLElement} place
 * @param {string} name
 */
async function showDownloads(place, name) {
  try {
    /** @type {{period: string, count: number}[]} */
    const rows = await get(`app/${APP}/downloadstats`, { kind: 'extension', name, granularity: 'month', limit: 0 });
    const months = byMonth(rows);
    fill(place, months.length ? chart(months) : element('p.muted', {}, 'None yet.'));
  } catch (error) {
    fill(place, element('p.failure', {}, messageOf(error)));
  }
}
