import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as builds from '../../slicer_package_manager/pages/static/catalog/builds.js';

/** @param {object} row @returns {Registry.Row} */
const row = (row) => /** @type {Registry.Row} */ (row);

const SUMMARY = {
  releases: [
    row({ name: '5.8', revision: '900', extensions: { linux: { amd64: 2 } } }),
    row({ name: '5.6', revision: '800', extensions: {} }),
  ],
  drafts: [row({ name: '1000', revision: '1000', extensions: { win: { amd64: 1 } } })],
};

test('builds without extensions are left out, and revisions are compared as numbers', () => {
  assert.deepEqual(builds.fromSummary(SUMMARY), [
    { revision: '1000', release: null, systems: [{ os: 'win', arch: 'amd64', count: 1 }] },
    { revision: '900', release: '5.8', systems: [{ os: 'linux', arch: 'amd64', count: 2 }] },
  ]);
});

test('systems have the names that people know', () => {
  assert.equal(builds.systemName('linux', 'amd64'), 'Linux');
  assert.equal(builds.systemName('macosx', 'amd64'), 'macOS (Intel)');
  assert.equal(builds.systemName('macosx', 'arm64'), 'macOS (Apple silicon)');
  assert.equal(builds.systemName('win', 'arm64'), 'Windows (ARM)');
  assert.equal(builds.systemName('plan9', 'mips'), 'plan9 (mips)');
  assert.equal(builds.buildName({ revision: '1', release: '5.8' }), '5.8 (1)');
});

test('the architecture is the one of the visitor, else the usual one', () => {
  assert.equal(builds.chosenProcessor(['arm64', 'amd64'], null), 'amd64');
  assert.equal(builds.chosenProcessor(['arm64', 'amd64'], 'arm64'), 'arm64');
  assert.equal(builds.chosenProcessor(['i386'], 'arm64'), 'i386');
  assert.equal(builds.chosenProcessor([], 'arm64'), null);
});
