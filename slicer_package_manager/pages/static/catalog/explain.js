// @ts-check
// Why the list is empty, and what there is instead.

import { element } from '../dom.js';
import { counted, day } from '../texts.js';
import { embedded } from './bridge.js';
import { buildName, systemName } from './builds.js';
import { ALL } from './place.js';

/** @typedef {(changes: Partial<import('./place.js').Place>) => string} To address of another place in the catalog */
/** @typedef {import('./builds.js').Build} Build */

const MOST_BUILDS = 12;
const MOST_OTHERS = 10;

/**
 * A build has no extensions: which builds have some.
 *
 * @param {Build[]} all builds with extensions
 * @param {{revision: string, os: string, arch: string | null}} build
 * @param {To} to
 */
export function emptyBuild(all, { revision, os, arch }, to) {
  const known = all.find((one) => one.revision === revision);
  if (!all.length) return [element('h2', {}, 'There are no extensions here yet.')];
  if (known) {
    return [
      element('h2', {}, `${buildName(known)} has no extensions for ${systemName(os, arch)}.`),
      element('p', {}, 'It has some for other systems:'),
      buildLinks([known], to),
    ];
  }
  return [
    element('h2', {}, `There are no extensions for revision ${revision}.`),
    element('p', {}, 'Either none has been built for it yet, or they were removed. These revisions have extensions:'),
    buildLinks(all.slice(0, MOST_BUILDS), to),
  ];
}

/**
 * @param {Build[]} list
 * @param {To} to
 */
function buildLinks(list, to) {
  return element(
    'ul.plain',
    {},
    ...list.map((build) =>
      element(
        'li',
        {},
        element('strong', {}, buildName(build)),
        element(
          'ul.inline',
          {},
          ...build.systems.map((system) => element('li', {}, buildLink(build.revision, system, to))),
        ),
      ),
    ),
  );
}

// Slicer installs extensions only for its own build, so inside of it there are no links to others.
/**
 * @param {string} revision
 * @param {import('./builds.js').SystemBuild} system
 * @param {To} to
 */
function buildLink(revision, { os, arch, count }, to) {
  const name = `${systemName(os, arch)} (${count})`;
  return embedded() ? name : element('a', { href: to({ revision, os, arch, category: ALL }), 'data-page': true }, name);
}

/**
 * No extension is supported as well as the filter asks for.
 *
 * @param {number} count extensions without the filter
 * @param {To} to
 */
export function lowerTiers(count, to) {
  return [
    element('h2', {}, 'None of these extensions is supported that well.'),
    element(
      'p',
      {},
      element(
        'a',
        { href: to({ tier: null }), 'data-page': true },
        `Show ${counted(count, 'extension', 'extensions')} of any support`,
      ),
    ),
  ];
}

/**
 * A search finds nothing for this build: what it finds for others.
 *
 * @param {Registry.Item[]} items all that it finds, newest last
 * @param {Set<string>} known names of the extensions of this build
 * @param {To} to
 */
export function elsewhere(items, known, to) {
  const latest = new Map(items.map((item) => [item.meta.baseName, item]));
  const rows = [...latest].filter(([name]) => !known.has(name)).slice(0, MOST_OTHERS);
  return rows.length
    ? [
        element('p', {}, 'There are, for other revisions or systems:'),
        element(
          'ul',
          {},
          ...rows.map(([name, { meta, updated }]) =>
            element(
              'li',
              {},
              element('a', { href: to({ extension: name }), 'data-page': true }, name),
              ` for revision ${meta.app_revision} on ${systemName(meta.os, meta.arch)}, last built ${day(updated)}`,
            ),
          ),
        ),
      ]
    : [];
}
