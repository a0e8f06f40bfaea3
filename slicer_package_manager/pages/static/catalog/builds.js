// @ts-check
// Revisions and systems for which extensions were built.

import { day } from '../texts.js';

/** @typedef {Registry.System} System */
/** @typedef {System & {count: number}} SystemBuild */
/**
 * @typedef {object} Build
 * @property {string} revision
 * @property {string | null} release name of the release; `null` for a draft
 * @property {string} [version] of its packages
 * @property {string | null} [built] when the first of them was built
 * @property {SystemBuild[]} systems
 */

/** @type {Record<string, string>} */
const SYSTEMS = { linux: 'Linux', win: 'Windows', macosx: 'macOS' };
/** @type {Record<string, string>} */
const PROCESSORS = { amd64: 'x86-64', arm64: 'ARM', i386: '32-bit' };
/** @type {Record<string, string>} */
const MACS = { amd64: 'Intel', arm64: 'Apple silicon' };
/** Versions of previews end with the day of their sources. */
const DATED = /^(.+?)-(\d{4}-\d{2}-\d{2})$/;
/** Architectures in the order of preference where an address names none. */
const USUAL = ['amd64', 'arm64', 'i386'];

/**
 * The name that people know for an operating system and, if given, an architecture.
 *
 * @param {string} os
 * @param {string | null} [arch]
 */
export function systemName(os, arch) {
  const name = SYSTEMS[os] || os;
  if (!arch || (arch === 'amd64' && os !== 'macosx')) return name;
  return `${name} (${(os === 'macosx' && MACS[arch]) || PROCESSORS[arch] || arch})`;
}

/** Fields of a summary that the pages need: with the drafts of half a year the response must stay small. */
export const FIELDS = 'name,revision,version,built,extensions';
/**
 * The builds in the summary of an application, newest revision first, without those that have no extensions.
 *
 * @param {Pick<Registry.Summary, 'releases' | 'drafts'>} summary
 * @returns {Build[]}
 */
export function fromSummary(summary) {
  return [...summary.releases.map((row) => fromRow(row, row.name)), ...summary.drafts.map((row) => fromRow(row, null))]
    .filter((build) => build.systems.length)
    .sort((one, other) => byRevision(one.revision, other.revision));
}

/**
 * @param {Registry.Row} row
 * @param {string | null} release
 */
function fromRow(row, release) {
  const systems = Object.entries(row.extensions).flatMap(([os, counts]) =>
    Object.entries(counts).map(([arch, count]) => ({
      os,
      arch,
      count,
    })),
  );
  return { revision: row.revision, release, version: row.version, built: row.built, systems };
}

/**
 * Compare revisions for sorting, the newer first: numbers as numbers.
 *
 * @param {string} one
 * @param {string} other
 */
export function byRevision(one, other) {
  return other.localeCompare(one, 'en', { numeric: true });
}

/**
 * The name of a build that people know: `5.8.1 (r33241)` or `5.11.0 preview, Nov 27, 2026 (r34108)`.
 *
 * @param {Omit<Build, 'systems' | 'release'> & {release?: string | null}} build
 */
export function buildName({ release, revision, version = '', built = null }) {
  const short = /^\d+$/.test(revision) ? `r${revision}` : revision;
  if (release) return `${release} (${short})`;
  const [, number = version, date = ''] = DATED.exec(version) || [];
  const shown = day(date) || (built && day(built));
  const kind = number ? `${number} preview` : shown && 'Preview';
  const words = [kind, shown].filter(Boolean).join(', ');
  return words ? `${words} (${short})` : `Revision ${revision}`;
}

/** @type {{architecture?: string}} */
const noHints = {};

/** The architecture of the visitor's processor; `null` if the browser does not report it. */
export async function visitorProcessor() {
  const data = navigator.userAgentData;
  if (!data?.getHighEntropyValues) return null;
  const { architecture = '' } = await data.getHighEntropyValues(['architecture']).catch(() => noHints);
  /** @type {Record<string, string>} */
  const known = { arm: 'arm64', x86: 'amd64' };
  return known[architecture] || null;
}

/**
 * The architecture to show where the address names none: the visitor's, else the usual one.
 *
 * @param {string[]} available
 * @param {string | null} visitors
 */
export function chosenProcessor(available, visitors) {
  return [visitors, ...USUAL].find((one) => one && available.includes(one)) || null;
}
