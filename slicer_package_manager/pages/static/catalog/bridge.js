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
// How long a failure is told, in milliseconds.
const NOTICE = 5000;
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
  const values = Object.entries(PROPERTIES).map(([key, property]) => [key, asText(read(slicer, property))]);
  return Object.fromEntries(values.filter(([, value]) => value));
}

function read(slicer, property) {
  try {
    return slicer && slicer[property];
  } catch (error) {
    return null; // as if Slicer did not have it
  }
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
  call(slicer, 'isExtensionScheduledForUninstall', name, (scheduled) => {
    if (scheduled) answered(name, 'ScheduledForUninstall');
    else call(slicer, 'isExtensionInstalled', name, (installed) => answered(name, installed ? 'Installed' : 'NotInstalled'));
  });
}

/** Call `method` of Slicer; whether that was possible. A version that lacks one can do all else. */
function call(slicer, method, ...given) {
  try {
    slicer[method](...given);
    return true;
  } catch (error) {
    return false;
  }
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
  const [method, given] = { Installed: ['scheduleExtensionForUninstall', name],
    ScheduledForUninstall: ['cancelExtensionScheduledForUninstall', name] }[stateOf(name)] || ['downloadAndInstallExtension', id];
  if (!call(model, method, given)) window.app.createNotice('Slicer did not take this request.', NOTICE, 'error');
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
  look(() => {});
  watch(listeners.arrived);
  window.setInterval(() => look(listeners.arrived), INTERVAL);
}

/** Notice at once when Slicer puts its object into the window; where the browser forbids that, it is noticed later. */
function watch(arrived) {
  let given = window.extensions_manager_model;
  Reflect.defineProperty(window, 'extensions_manager_model', {
    configurable: true,
    get: () => given,
    set(slicer) {
      given = slicer;
      look(arrived);
    },
  });
}

function look(arrived) {
  const there = window.extensions_manager_model;
  const slicer = typeof there === 'object' ? there : null;
  const stated = statedBy(slicer);
  if (slicer === model && Object.keys(PROPERTIES).every((key) => stated[key] === build[key])) return;
  model = slicer;
  build = stated;
  arrived();
}
