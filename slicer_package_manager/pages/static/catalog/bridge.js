// @ts-check
// Messages between the page and the Slicer around it.
//
// 1. Slicer puts `extensions_manager_model`, an object of Qt's QWebChannel, into the window at any time, also after the page
//    has loaded. Its properties `slicerRevision`, `slicerOs` and `slicerArch` state the build of Slicer. Slicer installs
//    only extensions of that build, so they override the address and the browser.
// 2. The page asks this object for the state of each extension that it shows, and calls it when a button is clicked. The
//    properties `installedExtensions`, `availableUpdateExtensions` and `bookmarkedExtensions` are lists of names.
// 3. Slicer calls `app.search`, `app.setExtensionButtonState` and `app.createNotice`, and sets `app.$vuetify.theme.dark`.

/** @typedef {'Installed' | 'ScheduledForUninstall' | 'NotInstalled'} State */
/** @typedef {Record<string, unknown>} Slicer */

/**
 * Functions that are called for Slicer's messages.
 *
 * @typedef {object} Listeners
 * @property {(text: string) => void} search
 * @property {(text: string, milliseconds: number, kind: unknown) => void} notice
 * @property {(name: string) => void} state the state of an extension changed
 * @property {() => void} arrived Slicer appeared, disappeared, or states another build
 */

/** @type {State[]} */
const STATES = ['Installed', 'ScheduledForUninstall', 'NotInstalled'];
const PROPERTIES = { revision: 'slicerRevision', os: 'slicerOs', arch: 'slicerArch' };
/** @type {Record<State, string>} */
const METHODS = {
  Installed: 'scheduleExtensionForUninstall',
  ScheduledForUninstall: 'cancelExtensionScheduledForUninstall',
  NotInstalled: 'downloadAndInstallExtension',
};
const LISTS = { updates: 'availableUpdateExtensions', bookmarks: 'bookmarkedExtensions' };
// Not each version of Slicer announces changes of its properties, so they are read again; in milliseconds.
const INTERVAL = 500;
/** How long the notice of a failure stays, in milliseconds. */
const NOTICE = 5000;
/** @type {Map<string, State | undefined>} */
const states = new Map();
/** Extensions whose update is to be installed when Slicer starts again. @type {Set<string>} */
const updating = new Set();
/** @type {Slicer | null} */
let model = null;
/** @type {Record<keyof typeof LISTS, string[]>} */
let lists = { updates: [], bookmarks: [] };
/** @type {Partial<Record<keyof typeof PROPERTIES, string>>} */
let build = {};
/** @type {Listeners['state']} */
let stateChanged = () => {};

/** Whether the page is inside of Slicer. */
export function embedded() {
  return Boolean(model);
}

/** Those of `revision`, `os` and `arch` that Slicer states; empty outside of Slicer. */
export function slicerBuild() {
  return build;
}

/**
 * Read the build that Slicer states; unusable values are left out.
 *
 * @param {Slicer | null} slicer
 * @returns {typeof build}
 */
export function statedBuild(slicer) {
  const values = Object.entries(PROPERTIES).map(([key, property]) => [key, asText(read(slicer, property))]);
  return Object.fromEntries(values.filter(([, value]) => value));
}

/**
 * @param {Slicer | null} slicer
 * @param {string} property
 */
function read(slicer, property) {
  try {
    return slicer?.[property];
  } catch {
    return null; // as if this version of Slicer did not have it
  }
}

/**
 * A text or a number as text, since older versions of Slicer state revisions as numbers; else an empty text.
 *
 * @param {unknown} value
 */
function asText(value) {
  return typeof value === 'string' || Number.isFinite(value) ? String(value).trim() : '';
}

/**
 * The state of an extension that Slicer reported; `undefined` before that.
 *
 * @param {string} name
 */
export function stateOf(name) {
  return states.get(name);
}

/**
 * Whether Slicer has an update of an installed extension: `available`, or `scheduled` for its next start.
 *
 * @param {string} name
 */
export function updateOf(name) {
  if (stateOf(name) !== 'Installed' || !lists.updates.includes(name)) return null;
  return updating.has(name) ? 'scheduled' : 'available';
}

/**
 * Whether the user of Slicer has bookmarked an extension.
 *
 * @param {string} name
 */
export function bookmarked(name) {
  return lists.bookmarks.includes(name);
}

/**
 * A property of Slicer that is a list of names; `null` if this version of Slicer does not have it.
 *
 * @param {string} property
 */
function namesIn(property) {
  const value = read(model, property);
  return Array.isArray(value) ? value.map(String) : null;
}

/**
 * Request the state of an extension unless it is known; Slicer answers later.
 *
 * @param {string} name
 */
export function ask(name) {
  if (!model || states.has(name)) return;
  const installedOnes = namesIn('installedExtensions');
  if (installedOnes && !installedOnes.includes(name)) {
    states.set(name, 'NotInstalled'); // 255 extensions are 510 questions otherwise
    return;
  }
  states.set(name, undefined);
  const slicer = model;
  call(slicer, 'isExtensionScheduledForUninstall', name, (/** @type {boolean} */ scheduled) => {
    if (scheduled) onAnswer(name, 'ScheduledForUninstall');
    else {
      call(slicer, 'isExtensionInstalled', name, (/** @type {boolean} */ installed) =>
        onAnswer(name, installed ? 'Installed' : 'NotInstalled'),
      );
    }
  });
}

/**
 * Call a method of Slicer. Versions of Slicer that lack a method can do everything else.
 *
 * @param {Slicer | null} slicer
 * @param {string} method
 * @param {...unknown} given arguments
 * @returns {boolean} whether the call succeeded
 */
function call(slicer, method, ...given) {
  try {
    /** @type {Record<string, Function>} */ (slicer)[method](...given);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} name
 * @param {State} state
 */
function onAnswer(name, state) {
  // A state that Slicer sent in the meantime is newer than this answer.
  if (states.get(name) === undefined) setState(name, state);
}

/**
 * @param {string} name
 * @param {State} state
 */
function setState(name, state) {
  states.set(name, state);
  stateChanged(name);
}

/**
 * Do what the button of the extension offers in its state: install, uninstall, or keep it.
 *
 * @param {{id: string, name: string}} extension
 */
export function act({ id, name }) {
  const state = stateOf(name) || 'NotInstalled';
  const accepted = call(model, METHODS[state], state === 'NotInstalled' ? id : name);
  if (!accepted) refuse();
}

/**
 * Update an installed extension: Slicer does so when it starts again. Other applications may only know installing.
 *
 * @param {{id: string, name: string}} extension
 */
export function update({ id, name }) {
  const scheduled = call(model, 'scheduleExtensionForUpdate', name);
  if (scheduled || call(model, METHODS.NotInstalled, id)) {
    updating.add(name);
    stateChanged(name);
  } else refuse();
}

function refuse() {
  window.app?.createNotice('Slicer did not accept this request.', NOTICE, 'error');
}

/** Load everything again, by Slicer if it is there: it then checks its own requirements as well. */
export function refresh() {
  if (window.extensions_install_widget) window.extensions_install_widget.refresh();
  else window.location.reload();
}

/**
 * Accept Slicer's messages from now on.
 *
 * @param {Listeners} listeners
 */
export function open(listeners) {
  stateChanged = listeners.state;
  const page = document.documentElement.dataset;
  const theme = {
    get dark() {
      return page.theme === 'dark';
    },
    set dark(wanted) {
      page.themeGiven = 'true';
      page.theme = wanted ? 'dark' : 'light';
    },
  };
  window.app = {
    search: (text) => listeners.search(String(text === null || text === undefined ? '' : text)),
    setExtensionButtonState(name, state) {
      const known = STATES.find((one) => one === state);
      if (known) setState(String(name), known);
    },
    createNotice: (text, milliseconds, kind) => listeners.notice(String(text), Number(milliseconds), kind),
    $vuetify: { theme },
  };
  look(() => {});
  watch(listeners.arrived);
  window.setInterval(() => look(listeners.arrived), INTERVAL);
}

/**
 * Notice at once when Slicer puts its object into the window. Where the browser forbids that, the interval notices it.
 *
 * @param {() => void} arrived
 */
function watch(arrived) {
  let current = window.extensions_manager_model;
  Reflect.defineProperty(window, 'extensions_manager_model', {
    configurable: true,
    get: () => current,
    set(slicer) {
      current = slicer;
      look(arrived);
    },
  });
}

/** @param {() => void} arrived */
function look(arrived) {
  const there = window.extensions_manager_model;
  const slicer = typeof there === 'object' ? /** @type {Slicer | null} */ (there) : null;
  const stated = statedBuild(slicer);
  const keys = /** @type {(keyof typeof PROPERTIES)[]} */ (Object.keys(PROPERTIES));
  const isSame = slicer === model && keys.every((key) => stated[key] === build[key]);
  model = slicer;
  build = stated;
  const changed = readLists();
  if (!isSame) arrived();
  else for (const name of changed) stateChanged(name);
}

/** Read the lists of names; gives those that were added or removed. */
function readLists() {
  const before = lists;
  lists = { updates: namesIn(LISTS.updates) || [], bookmarks: namesIn(LISTS.bookmarks) || [] };
  for (const name of lists.updates) if (!before.updates.includes(name)) askForUpdate(name);
  return new Set([...difference(before.updates, lists.updates), ...difference(before.bookmarks, lists.bookmarks)]);
}

/** @param {string} name */
function askForUpdate(name) {
  call(model, 'isExtensionScheduledForUpdate', name, (/** @type {boolean} */ scheduled) => {
    if (!scheduled) return;
    updating.add(name);
    stateChanged(name);
  });
}

/**
 * @param {string[]} one
 * @param {string[]} other
 */
function difference(one, other) {
  return [...one.filter((name) => !other.includes(name)), ...other.filter((name) => !one.includes(name))];
}
