import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as builds from '../../slicer_package_manager/pages/static/catalog/builds.js';

/** @param {object} row @returns {Registry.Row} */
const row = (row) => /** @type {Registry.Row} */ (row);

const SUMMARY = {
  releases: [
    row({ name: '5.8', revision: '900', version: '5.8', built: null, extensions: { linux: { amd64: 2 } } }),
    row({ name: '5.6', revision: '800', extensions: {} }),
  ],
  drafts: [
    row({
      name: '1000',
      revision: '1000',
      version: '5.9.0-2026-11-01',
      built: '2026-11-01T04:00:00Z',
      extensions: { win: { amd64: 1 } },
    }),
  ],
};

test('builds without extensions are left out, and revisions are compared as numbers', () => {
  assert.deepEqual(builds.fromSummary(SUMMARY), [
    {
      revision: '1000',
      release: null,
      version: '5.9.0-2026-11-01',
      built: '2026-11-01T04:00:00Z',
      systems: [{ os: 'win', arch: 'amd64', count: 1 }],
    },
    {
      revision: '900',
      release: '5.8',
      version: '5.8',
      built: null,
      systems: [{ os: 'linux', arch: 'amd64', count: 2 }],
    },
  ]);
});

test('systems have the names that people know', () => {
  assert.equal(builds.systemName('linux', 'amd64'), 'Linux');
  assert.equal(builds.systemName('macosx', 'amd64'), 'macOS (Intel)');
  assert.equal(builds.systemName('macosx', 'arm64'), 'macOS (Apple silicon)');
  assert.equal(builds.systemName('win', 'arm64'), 'Windows (ARM)');
  assert.equal(builds.systemName('plan9', 'mips'), 'plan9 (mips)');
});

test('builds have the names that people know', () => {
  const built = '2026-11-28T04:00:00Z';
  const version = '5.11.0-2026-11-27';
  assert.equal(builds.buildName({ revision: '1', release: '5.8', version: '5.8.0', built }), '5.8 (r1)');
  assert.equal(
    builds.buildName({ revision: '34108', release: null, version, built }),
    '5.11.0 preview, Nov 27, 2026 (r34108)',
  );
  assert.equal(builds.buildName({ revision: '34108', version: '', built }), 'Preview, Nov 28, 2026 (r34108)');
  assert.equal(builds.buildName({ revision: 'ab12', version: '5.9.0', built }), '5.9.0 preview, Nov 28, 2026 (ab12)');
  assert.equal(builds.buildName({ revision: 'ab12', version: '5.9.0' }), '5.9.0 preview (ab12)');
  assert.equal(builds.buildName({ revision: 'ab12cd' }), 'Revision ab12cd');
});

test('the architecture is the one of the visitor, else the usual one', () => {
  assert.equal(builds.chosenProcessor(['arm64', 'amd64'], null), 'amd64');
  assert.equal(builds.chosenProcessor(['arm64', 'amd64'], 'arm64'), 'arm64');
  assert.equal(builds.chosenProcessor(['i386'], 'arm64'), 'i386');
  assert.equal(builds.chosenProcessor([], 'arm64'), null);
});
