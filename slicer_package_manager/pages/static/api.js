// @ts-check
// Calls of the registry's REST API.

const { root = './', app = '' } = document.documentElement.dataset;

/** URL of the server's root; the page itself may be deeper. */
export const ROOT = new URL(root, window.location.href);

/** Id of the application that the page shows. */
export const APP = app;

/**
 * The URL of a call; parameters that are `null`, `undefined` or empty are left out.
 *
 * @param {string} path
 * @param {Object<string, string | number | boolean | null | undefined>} parameters
 */
export function address(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== '') query.set(key, String(value));
  }
  const text = String(query);
  return new URL(`api/v1/${path}${text ? `?${text}` : ''}`, ROOT).href;
}

/**
 * Request `path` without a login, since Slicer too sees only what is public.
 *
 * @template T
 * @param {string} path
 * @param {Parameters<typeof address>[1]} parameters
 * @returns {Promise<T>} the JSON of the response
 * @throws {Error} with the server's message, or what kept the request from it
 */
export async function get(path, parameters = {}) {
  return (await getWithHeaders(path, parameters)).content;
}

/**
 * Request `path` as `get` does, for what is in the headers of the response as well.
 *
 * @template T
 * @param {string} path
 * @param {Parameters<typeof address>[1]} parameters
 * @returns {Promise<{content: T, headers: Headers}>}
 */
export async function getWithHeaders(path, parameters = {}) {
  const answer = await request(address(path, parameters));
  const content = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(content?.message || statusText(answer.status));
  if (content === null) throw new Error(NOT_OURS);
  return { content, headers: answer.headers };
}

const LOGIN = 'If your network has a login page, open any other page in your browser to log in, and try again.';
/** Something else than this server has answered. */
export const NOT_OURS = `A login page of your network, or a proxy, answered in place of the server. ${LOGIN}`;
const PROXY_LOGIN = 407;
const NETWORK_LOGIN = 511;
const GATEWAY = [502, 503, 504];

/**
 * Request a URL of this server without a login.
 *
 * @param {string} url
 * @returns {Promise<Response>}
 * @throws {Error} with what kept the request from the server
 */
export async function request(url) {
  let answer;
  try {
    // The server redirects none of these requests.
    answer = await fetch(url, { credentials: 'omit', redirect: 'manual' });
  } catch {
    if (navigator.onLine === false)
      throw new Error('Your computer is offline. Connect it to a network, and try again.');
    throw new Error(`The server cannot be reached. Check your connection, or try again later. ${LOGIN}`);
  }
  if (answer.type === 'opaqueredirect') throw new Error(NOT_OURS);
  return answer;
}

/**
 * What a status means that came without a message of this server.
 *
 * @param {number} status
 */
export function statusText(status) {
  if (status === PROXY_LOGIN)
    return 'The proxy of your network requires a login (status 407). Log in to it, and try again.';
  if (status === NETWORK_LOGIN) return `Your network requires a login (status 511). ${LOGIN}`;
  if (GATEWAY.includes(status)) {
    return `A proxy in front of the server answers that it cannot reach it (status ${status}). Try again later.`;
  }
  return `The answer has the status ${status}, and is not from this server: a proxy may have blocked the request.`;
}
