// @ts-check
// The matrix of expected extensions that the newest builds lack.

import { element, fill, messageOf } from '../dom.js';
import { counted, number } from '../texts.js';
import { appPath, call } from './girder.js';
import { labelOf } from './row.js';
import { denseTable } from './tables.js';
import { header, spinner } from './widgets.js';

/** @typedef {{present: number, unfinished: boolean, missing: {name: string, since: string, last_good: string | null}[]}} State */
/** @typedef {{revision: string, release: string, branch: string, expected: number, systems: Object<string, Object<string, State>>}} Build */
/** @typedef {{branches: object[], builds: Build[], extensions: Object<string, {tier: number}>}} Comparison */

/** Builds beside each other. */
const BUILDS = 6;

/**
 * @param {Build} build
 * @returns {[string, State][]} each system with its state
 */
function systemsOf(build) {
  return Object.entries(build.systems).flatMap(([os, states]) =>
    Object.entries(states).map(([arch, state]) => /** @type {[string, State]} */ ([labelOf({ os, arch }), state])),
  );
}

/**
 * The systems for which a build lacks an extension, each with the first build in a row that lacks it.
 *
 * @param {Build} build
 * @param {string} name of an extension
 */
function cell(build, name) {
  return systemsOf(build).flatMap(([system, state]) =>
    state.missing
      .filter((one) => one.name === name)
      .map((one) => [
        element('div', {}, state.unfinished ? `${system} (still being built)` : system),
        element(
          'div.spm-faint',
          {},
          `since ${one.since}, ${one.last_good ? `last in ${one.last_good}` : 'never built'}`,
        ),
      ]),
  );
}

/** @param {Build} build */
const totals = (build) =>
  systemsOf(build).map(([system, { present }]) =>
    element('div', {}, `${system}: ${number(present)} of ${number(build.expected)}`),
  );

/**
 * The extensions that a build lacks although an earlier one has them.
 *
 * @param {Build} build
 */
const lostBy = (build) =>
  new Set(systemsOf(build).flatMap(([, state]) => state.missing.filter((one) => one.last_good).map((one) => one.name)));

/** @param {Build} build the newest one */
function headline(build) {
  const names = [...lostBy(build)].sort((one, other) => one.localeCompare(other));
  const name = build.release || build.revision;
  if (!names.length) return element('p', {}, `${name} has all extensions that an earlier build has.`);
  return element(
    'p',
    {},
    `${name} lacks ${counted(names.length, 'extension')} that an earlier build has: `,
    element('strong', {}, names.join(', ')),
    '.',
  );
}

/** @param {Comparison} comparison */
function matrix({ builds, extensions }) {
  const lost = lostBy(builds[0]);
  const isKept = (/** @type {string} */ name) => Number(!lost.has(name));
  const names = Object.keys(extensions).sort(
    (one, other) =>
      isKept(one) - isKept(other) || extensions[other].tier - extensions[one].tier || one.localeCompare(other),
  );
  return denseTable(
    'Systems for which each build lacks an extension',
    ['Extension', 'Tier', ...builds.map((one) => one.release || one.revision)],
    [
      { cells: ['Present', '', ...builds.map(totals)] },
      ...names.map((name) => ({
        cells: [
          element('span.spm-name', {}, name),
          number(extensions[name].tier),
          ...builds.map((build) => cell(build, name)),
        ],
      })),
    ],
  );
}

/** @param {Comparison} comparison */
function contents(comparison) {
  if (!comparison.branches.length) {
    const command = element('code', {}, 'slicer-package-manager expected sync');
    return element('p', {}, 'No extension is expected. Choose which ones are with ', command, '.');
  }
  const { builds } = comparison;
  if (!builds.length) return element('p', {}, 'There is no build to compare yet.');
  return [headline(builds[0]), matrix(comparison)];
}

/**
 * @param {Registry.Application} app
 * @returns {Element} which is filled as soon as the builds are compared
 */
export function missingExtensions(app) {
  const area = element('div', { 'aria-live': 'polite' }, spinner('Comparing…'));
  call('GET', appPath(app._id, 'expected'), { limit: BUILDS }).then(
    (comparison) => fill(area, contents(/** @type {Comparison} */ (comparison))),
    (failure) => fill(area, element('div.alert.alert-danger', {}, messageOf(failure))),
  );
  return element('section.spm-missing', {}, header(element('h2', {}, 'Missing extensions')), area);
}
