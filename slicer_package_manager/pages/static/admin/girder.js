// @ts-check
// What the administration uses of Girder's web client: REST calls, alerts and the current user.

import { size } from '../texts.js';

export const { girder } = window;

export const { AccessType } = girder.constants;

// Girder's client sends large GET and PUT requests as POST and names the method in a header, which proxies drop and which
// this server accepts for PUT only. The server accepts long addresses, so send the request as it is meant.
girder.$.ajaxPrefilter((options) => {
  const method = options.headers?.['X-HTTP-Method-Override'];
  if (method && options.headers) {
    options.type = method;
    delete options.headers['X-HTTP-Method-Override'];
  }
});

// Girder's client opens a socket for notifications after each login, whether or not the web server has one. Each attempt
// that fails is an error on the console, and another one follows whenever the page becomes visible.
if (document.documentElement.dataset.notifications === 'none') girder.utilities.eventStream.open = () => {};

/** A request that failed, with the server's message. */
export class Failure extends Error {
  /** @param {Girder.Xhr} xhr */
  constructor(xhr) {
    const unknown = xhr.status ? `The server answered with status ${xhr.status}.` : 'The server cannot be reached.';
    super(xhr.responseJSON?.message || unknown);
    this.status = xhr.status;
  }
}

/**
 * Call the REST API. A user whose login has expired is asked to log in again.
 *
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {Object<string, unknown>} [parameters]
 * @returns {Promise<T>} the JSON of the response
 * @throws {Failure}
 */
export function call(method, path, parameters) {
  // Girder reads no parameters from the body of a DELETE.
  const inPath = method === 'DELETE' && parameters;
  return send({
    method,
    url: inPath ? `${path}?${girder.$.param(parameters)}` : path,
    data: inPath ? undefined : parameters,
  });
}

/**
 * Call the REST API with a JSON body.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<unknown>}
 * @throws {Failure}
 */
export function callWithJson(method, path, body) {
  return send({ method, url: path, contentType: 'application/json', data: JSON.stringify(body) });
}

/**
 * @template T
 * @param {Girder.RestOptions} options
 * @returns {Promise<T>}
 */
function send(options) {
  return new Promise((resolve, reject) => {
    girder.rest
      .restRequest({ ...options, error: null })
      .done(resolve)
      .fail((xhr) => {
        if (xhr.status === 401 && girder.auth.getCurrentUser()) {
          girder.auth.setCurrentUser(null);
          girder.auth.setCurrentToken(null);
          girder.events.trigger('g:loginUi');
        }
        reject(new Failure(xhr));
      });
  });
}

/**
 * The path of a call for an application.
 *
 * @param {string} id
 * @param {...string} parts
 */
export const appPath = (id, ...parts) => ['app', id, ...parts].map(encodeURIComponent).join('/');

/**
 * The summary of an application.
 *
 * @param {string} id
 * @param {{limit: number, offset?: number}} page of its drafts
 * @returns {Promise<Registry.Summary>}
 */
export const summaryOf = (id, page) => call('GET', appPath(id, 'summary'), page);

/**
 * Show a message for some seconds.
 *
 * @param {string} text
 */
export const notify = (text) => girder.events.trigger('g:alert', { icon: 'ok', text, type: 'success', timeout: 4000 });

/**
 * Show why a request failed until the user closes it: the message may name several problems to correct.
 *
 * @param {unknown} failure
 */
export const showFailure = (failure) =>
  girder.events.trigger('g:alert', {
    icon: 'cancel',
    text: failure instanceof Error ? failure.message : String(failure),
    type: 'danger',
    timeout: 0,
  });

/**
 * Show a warning until the user closes it.
 *
 * @param {string} text
 */
export const warn = (text) =>
  girder.events.trigger('g:alert', { icon: 'attention', text, type: 'warning', timeout: 0 });

export const isAdmin = () => Boolean(girder.auth.getCurrentUser()?.get('admin'));

/**
 * A number of bytes, in the units of all pages.
 *
 * @param {number} bytes
 */
export const formatSize = (bytes) => (bytes ? size(bytes) : '0 kB');
