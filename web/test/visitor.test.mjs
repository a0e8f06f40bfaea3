import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visitorArchitecture, visitorSystem } from '../../slicer_package_manager/pages/static/visitor.js';

/** @param {object} values @returns {import('../../slicer_package_manager/pages/static/visitor.js').Browser} */
const browser = (values) => ({ userAgent: '', platform: '', maxTouchPoints: 0, ...values });

/** @param {string} platform @param {object} [high] @param {boolean} [mobile] */
const hints = (platform, high, mobile = false) => ({
  userAgentData: { platform, mobile, getHighEntropyValues: high && (async () => high) },
});

test('the system is that of computers, not that of telephones and tablets', () => {
  assert.equal(visitorSystem(browser(hints('Windows'))), 'win');
  assert.equal(visitorSystem(browser(hints('Android'))), null);
  assert.equal(visitorSystem(browser(hints('Linux', undefined, true))), null);
  assert.equal(visitorSystem(browser({ platform: 'Win32' })), 'win');
  assert.equal(visitorSystem(browser({ platform: 'MacIntel' })), 'macosx');
  assert.equal(visitorSystem(browser({ platform: 'MacIntel', maxTouchPoints: 5 })), null);
  assert.equal(visitorSystem(browser({ platform: 'Linux armv8l', userAgent: 'Android 14' })), null);
  assert.equal(visitorSystem(browser({ platform: 'FreeBSD' })), null);
});

test('the architecture is read from hints, else from the platform', async () => {
  assert.equal(await visitorArchitecture(browser(hints('macOS', { architecture: 'arm' })), 'macosx'), 'arm64');
  const old = { architecture: 'x86', bitness: '32' };
  assert.equal(await visitorArchitecture(browser(hints('Windows', old)), 'win'), 'i386');
  assert.equal(await visitorArchitecture(browser({ platform: 'MacIntel' }), 'macosx'), null);
  assert.equal(await visitorArchitecture(browser({ platform: 'Linux aarch64' }), 'linux'), 'arm64');
  assert.equal(await visitorArchitecture(browser({ platform: 'Linux i686' }), 'linux'), 'i386');
  assert.equal(await visitorArchitecture(browser({ platform: 'Win32' }), 'win'), 'amd64');
});
