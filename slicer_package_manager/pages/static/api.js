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
 * @throws {Error} with the server's message, or that it does not answer
 */
export async function get(path, parameters = {}) {
  let answer;
  try {
    answer = await fetch(address(path, parameters), { credentials: 'omit' });
  } catch {
    throw new Error('The server does not answer.');
  }
  const content = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(content?.message || `The server answers with status ${answer.status}.`);
  return content;
}
