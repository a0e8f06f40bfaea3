// @ts-check
// Which run of a CI service has uploaded an extension.

import { APP, get } from '../api.js';
import { element, webAddress } from '../dom.js';

/**
 * The run, as the server states it.
 *
 * @typedef {object} Build
 * @property {string} repository
 * @property {string} commit
 * @property {string} run
 * @property {string} repository_url
 * @property {string} commit_url
 * @property {string} run_url
 */

/** Digits of a commit that are shown. */
const SHORT = 7;

/**
 * Add the run to a list of facts, if it is known. Without it, or if the server does not answer, nothing changes.
 *
 * @param {HTMLElement} facts
 * @param {string} id of the extension's item
 */
export async function showOrigin(facts, id) {
  try {
    /** @type {{build: Build | null}} */
    const { build } = await get(`app/${APP}/extension/${encodeURIComponent(id)}/provenance`);
    if (build) facts.append(element('div', {}, element('dt', {}, 'Built by'), element('dd', {}, origin(build))));
  } catch {
    // The other facts are shown.
  }
}

/** @param {Build} build */
function origin({ repository, commit, run, ...urls }) {
  return [
    link(urls.repository_url, repository),
    '@',
    link(urls.commit_url, commit.slice(0, SHORT), commit),
    ', ',
    link(urls.run_url, `run ${run}`),
  ];
}

/**
 * @param {string} url
 * @param {string} text
 * @param {string} [title]
 */
function link(url, text, title) {
  const href = webAddress(url);
  return href ? element('a', { href, title, rel: 'noopener noreferrer' }, text) : element('span', { title }, text);
}
