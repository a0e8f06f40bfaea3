// What modules of the pages need of a browser when they are imported: the address of the page, and its root.
globalThis.document = /** @type {any} */ ({
  documentElement: { dataset: { root: '../../../', app: '5f4474d0e1d8c75dfc705482' } },
});
globalThis.window = /** @type {any} */ ({ location: new URL('https://example.org/x/catalog/All/33241/linux') });
globalThis.navigator ||= /** @type {any} */ ({ onLine: true });
