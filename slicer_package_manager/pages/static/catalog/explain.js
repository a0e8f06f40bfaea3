// Why nothing is shown, and what there is instead.

import { element } from '../dom.js';
import { embedded } from './bridge.js';
import { buildName, systemName } from './builds.js';
import { ALL } from './place.js';
import { counted, day } from './texts.js';

const MOST_BUILDS = 12;
const MOST_OTHERS = 10;

/** Of a build without any extension: which of `all` builds have some. `to(changes)` gives addresses. */
export function emptyBuild(all, { revision, os, arch }, to) {
  const known = all.find((one) => one.revision === revision);
  if (!all.length) return [element('h2', {}, 'There are no extensions here yet.')];
  if (known) {
    return [element('h2', {}, `Revision ${revision} has no extensions for ${systemName(os, arch)}.`),
      element('p', {}, 'It has some for other systems:'), buildLinks([known], to)];
  }
  return [element('h2', {}, `There are no extensions for revision ${revision}.`),
    element('p', {}, 'Either none has been built for it yet, or they were removed. These revisions have extensions:'),
    buildLinks(all.slice(0, MOST_BUILDS), to)];
}

function buildLinks(list, to) {
  return element('ul.plain', {}, ...list.map((build) => element('li', {},
    element('strong', {}, buildName(build)), element('ul.inline', {}, ...build.systems.map((system) => (
      element('li', {}, buildLink(build.revision, system, to))))))));
}

// Slicer has no list but its own, so there are no links to others inside of it.
function buildLink(revision, { os, arch, count }, to) {
  const name = `${systemName(os, arch)} (${count})`;
  return embedded() ? name : element('a', { href: to({ revision, os, arch, category: ALL }), 'data-page': true }, name);
}

/** Of a support level that none of the `count` extensions has that there would be without it. */
export function lowerTiers(count, to) {
  return [element('h2', {}, 'None of these extensions is supported that well.'), element('p', {},
    element('a', { href: to({ tier: null }), 'data-page': true }, `Show ${counted(count, 'extension', 'extensions')} of any support`))];
}

/** Of a search that finds nothing here: what `items`, newest last, it finds for other builds; `known` names are here. */
export function elsewhere(items, known, to) {
  const latest = new Map(items.map((item) => [item.meta.baseName, item]));
  const rows = [...latest].filter(([name]) => !known.has(name)).slice(0, MOST_OTHERS);
  return rows.length ? [element('p', {}, 'There are, for other revisions or systems:'), element('ul', {},
    ...rows.map(([name, { meta, updated }]) => element('li', {},
      element('a', { href: to({ extension: name }), 'data-page': true }, name),
      ` for revision ${meta.app_revision} on ${systemName(meta.os, meta.arch)}, last built ${day(updated)}`)))] : [];
}
