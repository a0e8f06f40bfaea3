// Between the page and the Slicer around it, both ways.
//
// Slicer calls `app.search`, `app.setExtensionButtonState`, `app.createNotice` and sets `app.$vuetify.theme.dark`. The
// page calls `extensions_manager_model`, an object of Qt's QWebChannel, which Slicer puts into the window at any time, also
// after the page has loaded. Its properties `slicerRevision`, `slicerOs` and `slicerArch` say exactly what Slicer is. Slicer
// installs only what is in its own list, which is that of these three, so they override the address and the browser.

const STATES = ['Installed', 'ScheduledForUninstall', 'NotInstalled'];
const PROPERTIES = { revision: 'slicerRevision', os: 'slicerOs', arch: 'slicerArch' };
// Not each version of Slicer announces changes of its properties, so they are read again, in milliseconds.
const INTERVAL = 500;
const states = new Map();
let model = null;
let build = {};
let changed = () => {};

/** Whether the page is inside of Slicer. */
export function embedded() {
  return Boolean(model);
}

/** Those of `revision`, `os` and `arch` that Slicer states; empty outside of Slicer. */
export function slicerBuild() {
  return build;
}

function statedBy(slicer) {
  const values = Object.entries(PROPERTIES).map(([key, property]) => [key, asText(slicer && slicer[property])]);
  return Object.fromEntries(values.filter(([, value]) => value));
}

// Older versions of Slicer give revisions as numbers; what is neither text nor number says nothing.
function asText(value) {
  return typeof value === 'string' || Number.isFinite(value) ? String(value).trim() : '';
}

/** What Slicer said of the extension; `undefined` until it has. */
export function stateOf(name) {
  return states.get(name);
}

/** Ask Slicer for the state of an extension that it has said nothing of; it answers later. */
export function ask(name) {
  if (!model || states.has(name)) return;
  states.set(name, undefined);
  const slicer = model;
  slicer.isExtensionScheduledForUninstall(name, (scheduled) => {
    if (scheduled) answered(name, 'ScheduledForUninstall');
    else slicer.isExtensionInstalled(name, (installed) => answered(name, installed ? 'Installed' : 'NotInstalled'));
  });
}

// What Slicer told meanwhile is newer than its answer.
function answered(name, state) {
  if (states.get(name) === undefined) tell(name, state);
}

function tell(name, state) {
  states.set(name, state);
  changed(name);
}

/** Do what the button of the extension says. */
export function act({ id, name }) {
  if (stateOf(name) === 'Installed') model.scheduleExtensionForUninstall(name);
  else if (stateOf(name) === 'ScheduledForUninstall') model.cancelExtensionScheduledForUninstall(name);
  else model.downloadAndInstallExtension(id);
}

/** Load everything anew, by Slicer if it is there: it then checks what it needs as well. */
export function refresh() {
  if (window.extensions_install_widget) window.extensions_install_widget.refresh();
  else window.location.reload();
}

/**
 * Take Slicer's calls from now on.
 *
 * @param {Object} listeners `search(text)`, `notice(text, milliseconds, kind)`, `state(name)`, and `arrived()` for when
 *   Slicer has shown itself, or states another build
 */
export function open(listeners) {
  changed = listeners.state;
  const theme = {
    get dark() { return document.documentElement.dataset.theme === 'dark'; },
    set dark(wanted) {
      document.documentElement.dataset.themeGiven = 'true';
      document.documentElement.dataset.theme = wanted ? 'dark' : 'light';
    },
  };
  window.app = {
    search: (text) => listeners.search(String(text === null || text === undefined ? '' : text)),
    setExtensionButtonState(name, state) {
      if (STATES.includes(state)) tell(String(name), state);
    },
    createNotice: (text, milliseconds, kind) => listeners.notice(String(text), Number(milliseconds), kind),
    $vuetify: { theme },
  };
  let given = window.extensions_manager_model;
  look(() => {});
  Object.defineProperty(window, 'extensions_manager_model', {
    configurable: true,
    get: () => given,
    set(slicer) {
      given = slicer;
      look(listeners.arrived);
    },
  });
  window.setInterval(() => look(listeners.arrived), INTERVAL);
}

function look(arrived) {
  const slicer = window.extensions_manager_model || null;
  const stated = statedBy(slicer);
  if (slicer === model && Object.keys(PROPERTIES).every((key) => stated[key] === build[key])) return;
  model = slicer;
  build = stated;
  arrived();
}
