import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as bridge from '../../slicer_package_manager/pages/static/catalog/bridge.js';

/** @type {unknown[][]} */
const heard = [];
/** @param {string} name */
const hear =
  (name) =>
  (/** @type {unknown[]} */ ...given) => {
    heard.push([name, ...given]);
  };
/** @type {() => void} */
let tick = () => {};
Object.assign(window, {
  setInterval: (/** @type {() => void} */ listener) => {
    tick = listener;
  },
});
bridge.open({ search: hear('search'), notice: hear('notice'), state: hear('state'), arrived: hear('arrived') });
const app = /** @type {SlicerApp} */ (window.app);

/** A version of Slicer with the extensions that are installed. @param {string[]} installed */
function slicer(...installed) {
  /** @type {unknown[][]} */
  const calls = [];
  const record = (/** @type {string} */ name) => (/** @type {unknown} */ given) => {
    calls.push([name, given]);
  };
  return {
    calls,
    slicerRevision: 33241,
    slicerOs: 'linux',
    slicerArch: ' amd64 ',
    isExtensionScheduledForUninstall: (/** @type {string} */ _, /** @type {(is: boolean) => void} */ answer) =>
      answer(false),
    isExtensionInstalled: (/** @type {string} */ name, /** @type {(is: boolean) => void} */ answer) =>
      answer(installed.includes(name)),
    downloadAndInstallExtension: record('install'),
    scheduleExtensionForUninstall: record('uninstall'),
    cancelExtensionScheduledForUninstall: record('keep'),
  };
}

/** @param {() => void} act @returns {unknown[][]} */
function during(act) {
  heard.length = 0;
  act();
  return [...heard];
}

test('outside of Slicer there is no build', () => {
  assert.equal(bridge.embedded(), false);
  assert.deepEqual(bridge.slicerBuild(), {});
});

test('messages of Slicer reach the page as texts', () => {
  assert.deepEqual(
    during(() => {
      app.search(null);
      app.search(5);
      app.createNotice('Saved', '100', 'error');
    }),
    [
      ['search', ''],
      ['search', '5'],
      ['notice', 'Saved', 100, 'error'],
    ],
  );
});

test('only known states of extensions are accepted', () => {
  assert.deepEqual(
    during(() => app.setExtensionButtonState('A', 'Exploded')),
    [],
  );
  assert.deepEqual(
    during(() => app.setExtensionButtonState('A', 'Installed')),
    [['state', 'A']],
  );
  assert.equal(bridge.stateOf('A'), 'Installed');
});

test('the theme of Slicer overrides that of the system', () => {
  app.$vuetify.theme.dark = true;
  assert.equal(document.documentElement.dataset.theme, 'dark');
  assert.equal(document.documentElement.dataset.themeGiven, 'true');
  app.$vuetify.theme.dark = false;
  assert.equal(app.$vuetify.theme.dark, false);
});

test('Slicer is noticed at once, and its build is read', () => {
  assert.deepEqual(
    during(() => {
      window.extensions_manager_model = slicer();
    }),
    [['arrived']],
  );
  assert.deepEqual(bridge.slicerBuild(), { revision: '33241', os: 'linux', arch: 'amd64' });
});

test('another build of the same Slicer is noticed later', () => {
  assert.deepEqual(during(tick), []);
  Object.assign(/** @type {object} */ (window.extensions_manager_model), { slicerRevision: '33300' });
  assert.deepEqual(during(tick), [['arrived']]);
  assert.equal(bridge.slicerBuild().revision, '33300');
});

test('buttons call the method of the state', () => {
  const one = slicer('Old');
  window.extensions_manager_model = one;
  for (const name of ['Old', 'New']) bridge.ask(name);
  app.setExtensionButtonState('Leaving', 'ScheduledForUninstall');
  for (const name of ['Old', 'New', 'Leaving']) bridge.act({ id: `id of ${name}`, name });
  assert.deepEqual(one.calls, [
    ['uninstall', 'Old'],
    ['install', 'id of New'],
    ['keep', 'Leaving'],
  ]);
});

test('a version of Slicer that lacks everything fails with a notice', () => {
  window.extensions_manager_model = {
    get slicerOs() {
      throw new Error('gone');
    },
  };
  assert.deepEqual(bridge.slicerBuild(), {});
  bridge.ask('Other');
  assert.equal(bridge.stateOf('Other'), undefined);
  const [[listener, text]] = during(() => bridge.act({ id: '1', name: 'Other' }));
  assert.deepEqual([listener, text], ['notice', 'Slicer did not accept this request.']);
});

test('lists of names save questions, and their changes are noticed', () => {
  const asked = /** @type {string[]} */ ([]);
  const one = {
    ...slicer('Kept'),
    installedExtensions: ['Kept'],
    availableUpdateExtensions: /** @type {string[]} */ ([]),
    bookmarkedExtensions: ['Far'],
    isExtensionScheduledForUninstall: (/** @type {string} */ name, /** @type {(is: boolean) => void} */ answer) => {
      asked.push(name);
      answer(false);
    },
  };
  window.extensions_manager_model = one;
  for (const name of ['Kept', 'Far']) bridge.ask(name);
  assert.deepEqual(asked, ['Kept']);
  assert.deepEqual([bridge.stateOf('Kept'), bridge.stateOf('Far')], ['Installed', 'NotInstalled']);
  assert.deepEqual([bridge.bookmarked('Kept'), bridge.bookmarked('Far')], [false, true]);
  assert.equal(bridge.updateOf('Kept'), null);
  one.availableUpdateExtensions = ['Kept', 'Far'];
  one.bookmarkedExtensions = [];
  assert.deepEqual(new Set(during(tick).map(String)), new Set(['state,Kept', 'state,Far']));
  assert.deepEqual([bridge.updateOf('Kept'), bridge.updateOf('Far')], ['available', null]);
  assert.equal(bridge.bookmarked('Far'), false);
});

test('an update is scheduled, or installed where Slicer has no such function', () => {
  const one = {
    ...slicer('Kept'),
    availableUpdateExtensions: ['Kept', 'Plain'],
    installedExtensions: ['Kept', 'Plain'],
  };
  window.extensions_manager_model = one;
  bridge.ask('Plain');
  bridge.update({ id: 'id of Plain', name: 'Plain' });
  assert.deepEqual(one.calls, [['install', 'id of Plain']]);
  assert.equal(bridge.updateOf('Kept'), 'available');
  window.extensions_manager_model = {
    ...one,
    scheduleExtensionForUpdate: (/** @type {string} */ name) => one.calls.push(['update', name]),
  };
  bridge.update({ id: 'id of Kept', name: 'Kept' });
  assert.deepEqual(one.calls.slice(1), [['update', 'Kept']]);
  assert.equal(bridge.updateOf('Kept'), 'scheduled');
});

test('an update that neither can be scheduled nor installed fails with a notice', () => {
  window.extensions_manager_model = { installedExtensions: ['Kept'] };
  assert.deepEqual(
    during(() => bridge.update({ id: '1', name: 'Kept' })).map(([listener]) => listener),
    ['notice'],
  );
});
