import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { APP, address, get, ROOT } from '../../slicer_package_manager/pages/static/api.js';

const { fetch } = globalThis;
afterEach(() => {
  globalThis.fetch = fetch;
});

/** @param {number} status @param {string} body */
function answer(status, body) {
  globalThis.fetch = async () => new Response(body, { status });
}

test('the root is that of the server, also behind a prefix', () => {
  assert.equal(ROOT.href, 'https://example.org/x/');
  assert.equal(APP, '5f4474d0e1d8c75dfc705482');
});

test('an address has no parameters that are not given', () => {
  const parameters = { os: 'linux', arch: null, q: '', limit: 0, tier: undefined, all: false };
  assert.equal(address('app', parameters), 'https://example.org/x/api/v1/app?os=linux&limit=0&all=false');
  assert.equal(address('app'), 'https://example.org/x/api/v1/app');
});

test('parameters are escaped', () => {
  assert.equal(new URL(address('app', { q: 'a&b=c #ü' })).searchParams.get('q'), 'a&b=c #ü');
});

test('a failed request has the message of the server, or its status', async () => {
  answer(200, '[1]');
  assert.deepEqual(await get('app'), [1]);
  answer(404, '{"message": "There is none."}');
  await assert.rejects(get('app'), { message: 'There is none.' });
});

test('what kept a request from the server is named', async () => {
  for (const [status, cause] of /** @type {[number, RegExp][]} */ ([
    [502, /A proxy in front of the server .* \(status 502\)/],
    [407, /The proxy of your network requires a login/],
    [511, /Your network requires a login/],
    [403, /is not from this server: a proxy may have blocked/],
  ])) {
    answer(status, '<html>');
    await assert.rejects(get('app'), { message: cause });
  }
  answer(200, '<html>Welcome to the network of the hotel');
  await assert.rejects(get('app'), { message: /A login page of your network, or a proxy, answered/ });
  globalThis.fetch = async (_url, options) => {
    assert.equal(options?.redirect, 'manual');
    return /** @type {Response} */ ({ type: 'opaqueredirect', status: 0, ok: false });
  };
  await assert.rejects(get('app'), { message: /A login page of your network, or a proxy, answered/ });
  globalThis.fetch = async () => {
    throw new TypeError('failed');
  };
  await assert.rejects(get('app'), { message: /^The server cannot be reached\./ });
});
