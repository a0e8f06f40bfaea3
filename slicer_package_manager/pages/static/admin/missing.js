// @ts-check
// The matrix of expected extensions that the newest builds lack.

import { element, fill, messageOf } from '../dom.js';
import { number } from '../texts.js';
import { appPath, call } from './girder.js';
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
    Object.entries(states).map(([arch, state]) => /** @type {[string, State]} */ ([`${os} ${arch}`, state])),
  );
}

/**
 * @param {Build} build
 * @param {string} name of an extension
 */
function cell(build, name) {
  const lacking = systemsOf(build).flatMap(([system, state]) =>
    state.missing
      .filter((one) => one.name === name)
      .map((one) => ({
        text: state.unfinished ? `${system} (still being built)` : system,
        title: `since ${one.since}, ${one.last_good ? `last built for ${one.last_good}` : 'never built here'}`,
      })),
  );
  return element(
    'td',
    {},
    lacking.map(({ text, title }) => element('div', { title }, text)),
  );
}

/** @param {Build} build */
function totals(build) {
  return element(
    'td',
    {},
    systemsOf(build).map(([system, { present }]) =>
      element('div', {}, `${system}: ${number(present)} of ${number(build.expected)}`),
    ),
  );
}

/** @param {Comparison} comparison */
function matrix({ builds, extensions }) {
  const names = Object.keys(extensions).sort(
    (one, other) => extensions[other].tier - extensions[one].tier || one.localeCompare(other),
  );
  const column = (/** @type {string} */ name) => element('th', { scope: 'col' }, name);
  const row = (/** @type {string} */ name) =>
    element(
      'tr',
      {},
      element('th.spm-name', { scope: 'row' }, name),
      element('td', {}, number(extensions[name].tier)),
      builds.map((build) => cell(build, name)),
    );
  return element(
    'div.spm-plan',
    {},
    element(
      'table.table.table-condensed.spm-missing',
      {},
      element('caption', {}, 'Systems for which each build lacks an extension'),
      element(
        'thead',
        {},
        element('tr', {}, ['Extension', 'Tier', ...builds.map((one) => one.release || one.revision)].map(column)),
      ),
      element(
        'tbody',
        {},
        element('tr', {}, element('th', { scope: 'row' }, 'Present'), element('td', {}), builds.map(totals)),
        names.map(row),
      ),
    ),
  );
}

/** @param {Comparison} comparison */
function contents(comparison) {
  if (!comparison.branches.length) {
    const command = element('code', {}, 'slicer-package-manager expected sync');
    return element('p', {}, 'No extension is expected. Choose which ones are with ', command, '.');
  }
  return comparison.builds.length ? matrix(comparison) : element('p', {}, 'There is no build to compare yet.');
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
  return element('section', {}, header(element('h2', {}, 'Missing extensions')), area);
}
