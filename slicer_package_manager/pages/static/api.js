// The registry's REST calls.

/** The address of the server's root; the page itself may lie deeper. */
export const ROOT = new URL(document.documentElement.dataset.root, window.location.href);

/** The application that the page is about. */
export const APP = document.documentElement.dataset.app;

/** The address of a call; parameters that are `null`, `undefined` or empty are left out. */
export function address(path, parameters = {}) {
  const query = new URLSearchParams(
    Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== ''));
  const text = String(query);
  return new URL(`api/v1/${path}${text ? `?${text}` : ''}`, ROOT).href;
}

/**
 * The answer to a GET, as everyone gets it.
 *
 * @throws {Error} with what the server says, or that it does not answer
 */
export async function get(path, parameters) {
  let answer;
  try {
    answer = await fetch(address(path, parameters), { credentials: 'omit' });
  } catch (error) {
    throw new Error('The server does not answer.');
  }
  const content = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error((content && content.message) || `The server answers with status ${answer.status}.`);
  return content;
}
