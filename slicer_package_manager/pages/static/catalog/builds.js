// For which revisions and systems extensions were built.

const SYSTEMS = { linux: 'Linux', win: 'Windows', macosx: 'macOS' };
const PROCESSORS = { amd64: 'x86-64', arm64: 'ARM', i386: '32-bit' };
const MACS = { amd64: 'Intel', arm64: 'Apple silicon' };
// Where an address names no architecture.
const USUAL = ['amd64', 'arm64', 'i386'];

/** A name that people know for an operating system and, if given, an architecture. */
export function systemName(os, arch) {
  const name = SYSTEMS[os] || os;
  if (!arch || (arch === 'amd64' && os !== 'macosx')) return name;
  return `${name} (${(os === 'macosx' && MACS[arch]) || PROCESSORS[arch] || arch})`;
}

/** The fields of a summary that are needed here: with the drafts of half a year it must stay small. */
export const FIELDS = 'name,revision,extensions';
/** Those that are needed to choose the latest build; the server may have to compare names of extensions for them. */
export const TO_CHOOSE = `${FIELDS},ready_for`;

/**
 * The builds in the summary of an application, newest revision first; those without extensions are left out.
 *
 * @returns {Array} of `{revision, release, systems: [{os, arch, count, ready}]}`; `release` is a name, or `null`, and
 *   `ready` is false where the summary does not tell
 */
export function fromSummary(summary) {
  const made = (row, release) => ({
    revision: row.revision, release,
    systems: Object.entries(row.extensions).flatMap(([os, counts]) => Object.entries(counts).map(([arch, count]) => ({
      os, arch, count, ready: Boolean(((row.ready_for || {})[os] || {})[arch]),
    }))),
  });
  return [...summary.releases.map((row) => made(row, row.name)), ...summary.drafts.map((row) => made(row, null))]
    .filter((build) => build.systems.length)
    .sort((one, other) => byRevision(one.revision, other.revision));
}

/** Compares revisions, the newer first: numbers as numbers. */
export function byRevision(one, other) {
  return other.localeCompare(one, 'en', { numeric: true });
}

/** A name for a build: that of the release with its revision, or just the revision. */
export function buildName({ release, revision }) {
  return release ? `${release} (${revision})` : revision;
}

/** The revision to show to those who ask for none: the latest release for the system, else the latest build. */
export function latest(builds, os) {
  const has = (build, ready) => build.systems.some((one) => one.os === os && (one.ready || !ready));
  return builds.find((build) => build.release && has(build, true)) || builds.find((build) => has(build, true))
    || builds.find((build) => has(build, false)) || builds[0] || null;
}

/** The operating system of the visitor. */
export function visitorSystem() {
  const agent = navigator.userAgent;
  if (/Windows/.test(agent)) return 'win';
  return /Macintosh|Mac OS X/.test(agent) ? 'macosx' : 'linux';
}

/** The architecture of the visitor's processor where the browser tells it, else `null`. */
export async function visitorProcessor() {
  const data = navigator.userAgentData;
  if (!data || !data.getHighEntropyValues) return null;
  const { architecture } = await data.getHighEntropyValues(['architecture']).catch(() => ({}));
  return { arm: 'arm64', x86: 'amd64' }[architecture] || null;
}

/** Which of `there`, architectures, to show where the address names none: the visitor's, else the usual one. */
export function chosenProcessor(there, visitors) {
  return [visitors, ...USUAL].find((one) => there.includes(one)) || null;
}
