// @ts-check
// Which run of a CI service has uploaded an extension, and whether there is an attestation of how it was built.

import { APP, address, get } from '../api.js';
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

/**
 * @typedef {object} Attestation
 * @property {string} sha256 of the file
 */

/** Digits of a commit or checksum that are shown. */
const SHORT = 7;

/**
 * Add the run and the attestation to a list of facts, if there are any. Without it, or if the server does not answer, nothing changes.
 *
 * @param {HTMLElement} facts
 * @param {string} id of the extension's item
 */
export async function showOrigin(facts, id) {
  try {
    const path = `app/${APP}/extension/${encodeURIComponent(id)}`;
    /** @type {{build: Build | null, attestation: Attestation | null}} */
    const { build, attestation } = await get(`${path}/provenance`);
    if (build) facts.append(fact('Built by', origin(build)));
    if (attestation) facts.append(fact('Attestation', attested(attestation, address(`${path}/attestation`))));
  } catch {
    // The other facts are shown.
  }
}

/**
 * @param {string} name
 * @param {(Node | string)[]} content
 */
function fact(name, content) {
  return element('div', {}, element('dt', {}, name), element('dd', {}, content));
}

/**
 * The server has not verified the signature, so the page states no repository.
 *
 * @param {Attestation} attestation
 * @param {string} href
 */
function attested({ sha256 }, href) {
  const text = `for SHA-256 ${sha256.slice(0, SHORT)}, not verified by this server`;
  return [element('a', { href, title: sha256, download: '' }, text)];
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
