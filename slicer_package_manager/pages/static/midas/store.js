// @ts-check
// biome-ignore-all lint/suspicious/noVar: browsers in Slicer 4 know the JavaScript of 2009 only (ECMAScript 5)
// biome-ignore-all lint/complexity/useArrowFunction: see above
// biome-ignore-all lint/complexity/useOptionalChain: see above
// biome-ignore-all lint/style/useTemplate: see above
//
// Messages between the page of Slicer 4 and the Slicer around it. The page works without this script: its buttons are links
// that download the file.
//
// 1. Slicer puts `extensions_manager_model` into the window, perhaps after the page has loaded. With it, each button installs
//    or removes its extension in Slicer. In QtWebKit its methods return a value, in QtWebEngine they call a function.
// 2. Slicer sets `midas.slicerappstore.search`, and then calls `midas.slicerappstore.applyFilter()`.
// 3. Slicer calls `midas.slicerappstore.setExtensionButtonState(name, state)` and `midas.createNotice(text, milliseconds)`.

(function () {
  var LABELS = { Installed: 'Uninstall', ScheduledForUninstall: 'Keep installed' };
  /** How long the page looks for Slicer, and how often, in milliseconds. */
  var PATIENCE = 10000;
  var INTERVAL = 250;
  /** @type {any} */
  var view = window;
  /** @type {Record<string, string>} */
  var states = {};
  /** What Slicer searches for. */
  var wanted = '';

  /**
   * @param {string} selector
   * @returns {HTMLElement[]}
   */
  function all(selector) {
    return Array.prototype.slice.call(document.querySelectorAll(selector));
  }

  /** @param {Element} element */
  function nameOf(element) {
    return element.getAttribute('data-name') || '';
  }

  /**
   * Call a method of Slicer. Versions of Slicer that lack it can do everything else.
   *
   * @param {string} method
   * @param {string} value
   * @param {(answer: unknown) => void} [answered]
   * @returns {boolean} whether Slicer was called
   */
  function call(method, value, answered) {
    var model = view.extensions_manager_model;
    if (!model || !model[method]) return false;
    var answer = answered ? model[method](value, answered) : model[method](value);
    if (answered && typeof answer === 'boolean') answered(answer);
    return true;
  }

  /**
   * @param {unknown} name
   * @param {unknown} state
   */
  function setExtensionButtonState(name, state) {
    states[String(name)] = String(state);
    all('a.install').forEach(function (button) {
      if (nameOf(button) === String(name)) show(button);
    });
  }

  /** @param {HTMLElement} button */
  function show(button) {
    var state = states[nameOf(button)];
    button.textContent = state === 'Installed' || state === 'ScheduledForUninstall' ? LABELS[state] : 'Install';
  }

  /** Ask Slicer for the states of all extensions. */
  function ask() {
    all('a.install').forEach(function (button) {
      var name = nameOf(button);
      show(button);
      call('isExtensionInstalled', name, function (installed) {
        if (installed && !states[name]) setExtensionButtonState(name, 'Installed');
      });
      call('isExtensionScheduledForUninstall', name, function (scheduled) {
        if (scheduled) setExtensionButtonState(name, 'ScheduledForUninstall');
      });
    });
  }

  /** @param {HTMLElement} button */
  function act(button) {
    var name = nameOf(button);
    var state = states[name];
    if (state === 'Installed') return call('scheduleExtensionForUninstall', name);
    if (state === 'ScheduledForUninstall') return call('cancelExtensionScheduledForUninstall', name);
    return call('downloadAndInstallExtension', button.getAttribute('data-id') || '');
  }

  /** @param {unknown} text */
  function setSearch(text) {
    wanted = typeof text === 'string' ? text : '';
  }

  /** Show the extensions that have the text of `midas.slicerappstore.search`, and hide all others. */
  function applyFilter() {
    var text = wanted.toLowerCase();
    var form = document.querySelector('form');
    var given = form && form.getAttribute('data-search');
    if (given && given.toLowerCase() !== text) {
      // The server has left others out.
      window.location.search = (form && form.getAttribute('data-query')) + '&search=' + encodeURIComponent(text);
      return;
    }
    all('li.extension').forEach(function (row) {
      row.style.display = (row.textContent || '').toLowerCase().indexOf(text) < 0 ? 'none' : '';
    });
  }

  /**
   * @param {unknown} text
   * @param {unknown} [milliseconds]
   * @param {unknown} [kind]
   */
  function createNotice(text, milliseconds, kind) {
    var notice = document.createElement('p');
    notice.className = 'notice ' + (kind === 'warning' || kind === 'error' ? kind : '');
    notice.textContent = String(text);
    document.body.appendChild(notice);
    window.setTimeout(function () {
      document.body.removeChild(notice);
    }, Number(milliseconds) || 4000);
  }

  view.midas = view.midas || {};
  view.midas.createNotice = createNotice;
  view.midas.slicerappstore = { applyFilter: applyFilter, setExtensionButtonState: setExtensionButtonState };
  // A text that Slicer sets, and a function that it may call.
  Object.defineProperty(view.midas.slicerappstore, 'search', {
    set: setSearch,
    get: function () {
      return function (/** @type {unknown} */ text) {
        setSearch(text);
        applyFilter();
      };
    },
  });

  document.addEventListener('click', function (event) {
    var button = /** @type {HTMLElement} */ (event.target);
    if (button && button.className === 'install' && act(button)) event.preventDefault();
  });

  var waited = 0;
  var timer = window.setInterval(function () {
    waited += INTERVAL;
    if (view.extensions_manager_model) ask();
    if (view.extensions_manager_model || waited > PATIENCE) window.clearInterval(timer);
  }, INTERVAL);
})();
