// Between the page and the Slicer around it, both ways.
//
// Slicer calls `app.search`, `app.setExtensionButtonState`, `app.createNotice` and sets `app.$vuetify.theme.dark`. The
// page calls `extensions_manager_model`, which Slicer puts into the window at any time, also after the page has loaded.

const STATES = ['Installed', 'ScheduledForUninstall', 'NotInstalled'];
const states = new Map();
let model = null;
let changed = () => {};

/** Whether the page is inside of Slicer. */
export function embedded() {
  return Boolean(model);
}

/** What Slicer said of the extension; `undefined` until it has. */
export function stateOf(name) {
  return states.get(name);
}

/** Ask Slicer for the state of an extension that it has said nothing of; it answers later. */
export function ask(name) {
  if (!model || states.has(name)) return;
  states.set(name, undefined);
  model.isExtensionScheduledForUninstall(name, (scheduled) => {
    if (scheduled) answered(name, 'ScheduledForUninstall');
    else model.isExtensionInstalled(name, (installed) => answered(name, installed ? 'Installed' : 'NotInstalled'));
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
 *   Slicer has shown itself
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
  model = window.extensions_manager_model || null;
  Object.defineProperty(window, 'extensions_manager_model', {
    configurable: true,
    get: () => model || undefined,
    set(given) {
      model = given || null;
      listeners.arrived();
    },
  });
}
