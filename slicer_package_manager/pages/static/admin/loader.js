// @ts-check
// Loads the modules of the administration into Girder's web client.
//
// 1. Girder adds the scripts of plugins as classic scripts, waits until each has run, and starts its application with
//    `girder.initializeDefaultApp`. Classic scripts cannot import modules at once.
// 2. The modules add routes and wrap views, which must happen before the application starts. So this script delays
//    `initializeDefaultApp` until `main.js` has run.
// 3. The version in the address of this script is that of all files of the pages (`pages/__init__.py`), under which the
//    server lets browsers cache the modules for ever.
(() => {
  const { girder } = window;
  const script = /** @type {HTMLScriptElement} */ (document.currentScript).src;
  const version = new URL(script).searchParams.get('version');
  const loaded = import(new URL(`../../slicer_package_manager/${version}/admin/main.js`, script).href);
  const start = girder.initializeDefaultApp;
  girder.initializeDefaultApp = async (...given) => {
    // Without the modules Girder's client still works.
    await loaded.catch((error) => console.error('The administration of packages could not be loaded.', error));
    return start.apply(girder, given);
  };
})();
