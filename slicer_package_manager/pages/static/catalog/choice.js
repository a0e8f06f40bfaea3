// @ts-check
// The header, where visitors choose a build. Slicer has a build, so inside of it there is no such choice.

import { byId, element, fill } from '../dom.js';
import { embedded } from './bridge.js';
import { buildName, systemName } from './builds.js';
import { allBuilds } from './summaries.js';

/**
 * What is shown: `arch` is that of the address, `shownArch` that of the extensions that were found.
 *
 * @typedef {{revision: string, os: string, arch: string | null, shownArch: string | null}} Current
 */

/**
 * Fill the lists of revisions and systems.
 *
 * @param {() => Current} current
 */
export async function showBuildChoice(current) {
  for (const id of ['top', 'foot']) byId(id).hidden = embedded();
  if (embedded()) return;
  const all = await allBuilds().catch(() => []);
  const { revision, os, arch, shownArch } = current();
  const known = all.find((one) => one.revision === revision);
  fill(
    byId('revision'),
    (known ? all : [{ revision, release: null }, ...all]).map((one) =>
      element('option', { value: one.revision, selected: one.revision === revision }, buildName(one)),
    ),
  );
  const isShown = (/** @type {{os: string, arch: string | null}} */ one) =>
    one.os === os && (one.arch === shownArch || (!shownArch && one.arch === arch));
  /** @type {{os: string, arch: string | null}[]} */
  const systems = known ? [...known.systems] : [];
  if (!systems.some(isShown)) systems.unshift({ os, arch: shownArch || arch });
  fill(
    byId('system'),
    systems.map((one) =>
      element('option', { value: `${one.os} ${one.arch || ''}`, selected: isShown(one) }, systemName(one.os, one.arch)),
    ),
  );
}

/**
 * The place to go to after another revision was chosen: for the same system if it has extensions, else for another.
 *
 * @param {Current} current
 */
export async function chosenRevision({ os, shownArch }) {
  const revision = byId('revision', HTMLSelectElement).value;
  const build = (await allBuilds()).find((one) => one.revision === revision);
  const system =
    build &&
    (build.systems.find((one) => one.os === os && one.arch === shownArch) ||
      build.systems.find((one) => one.os === os) ||
      build.systems[0]);
  return { revision, ...(system ? { os: system.os, arch: system.arch } : {}) };
}

/** The place to go to after another system was chosen. */
export function chosenSystem() {
  const [os, arch] = byId('system', HTMLSelectElement).value.split(' ');
  return { os, arch };
}
