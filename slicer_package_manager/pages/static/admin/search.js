// @ts-check
// The search of the administration. The arrow keys move through what it finds, and Escape leads back.

import { element, fill, messageOf } from '../dom.js';
import { counted, marked } from '../texts.js';
import { debounced } from './debounce.js';
import { call } from './girder.js';

/**
 * What is found; `source_revision` is that of the sources of a package or extension.
 *
 * @typedef {object} Hit
 * @property {string} _id
 * @property {string} name
 * @property {string} revision
 * @property {string} [source_revision]
 * @property {string} [version]
 * @property {string} app_id
 * @property {string} application
 */
/** @typedef {Record<string, Hit[]>} Found hits by type */

/** Milliseconds after the last letter. */
const PAUSE = 150;
/** @type {[type: string, title: string, place: string][]} Types, with the routes of their pages. */
const TYPES = [
  ['applications', 'Applications', 'packages'],
  ['releases', 'Releases', 'folder'],
  ['drafts', 'Drafts', 'folder'],
  ['packages', 'Packages', 'item'],
  ['extensions', 'Extensions', 'item'],
];

/** A search, with what it finds below it; nothing is below it as long as it is empty. */
export function searchBox() {
  const results = element('div.spm-found');
  const status = element('p.spm-faint', { role: 'status' });
  const input = element('input.form-control', {
    id: 'search', // which the key "/" moves to, see `keys.js`
    type: 'search',
    placeholder: 'Application, release, draft, package or extension',
    'aria-label': 'Search packages',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 200,
  });
  const show = (/** @type {string} */ text, /** @type {Content} */ content) => {
    status.textContent = text;
    fill(results, content);
  };
  const send = debounced(
    (/** @type {string} */ q) => call('GET', 'slicer_package_manager/search', { q }),
    {
      answered: (found) => {
        if (input.value.trim()) show(summary(found), groups(found, input.value));
      },
      failed: (failure) => show(messageOf(failure), null),
    },
    PAUSE,
  );
  input.addEventListener('input', () => {
    if (input.value.trim()) send(input.value);
    else show('', null);
  });
  const box = element('search.spm-search', {}, input, status, results);
  box.addEventListener('keydown', (event) => onKey(event, input, box));
  return box;
}

/** @param {Found} found */
function summary(found) {
  const total = TYPES.reduce((sum, [type]) => sum + found[type].length, 0);
  return total ? `${counted(total, 'hit')}. The arrow keys move through them.` : 'Nothing has this name or revision.';
}

/**
 * @param {Found} found
 * @param {string} text that was searched for
 */
const groups = (found, text) =>
  TYPES.filter(([type]) => found[type].length).map(([type, title, place]) =>
    element(
      'section',
      {},
      element('h2', {}, title),
      element(
        'ul',
        {},
        found[type].map((hit) =>
          element(
            'li',
            {},
            element('a.spm-name', { href: `#${place}/${hit._id}` }, marked(hit.name, text)),
            details(type, hit, text),
          ),
        ),
      ),
    ),
  );

/**
 * @param {string} type
 * @param {Hit} hit
 * @param {string} text that was searched for
 */
function details(type, { name, revision, source_revision: sources, version, application }, text) {
  if (type === 'applications') return null;
  const facts = [
    version && `version ${version}`,
    revision !== name && `revision ${revision}`,
    type === 'extensions' && sources && `sources at ${sources}`,
    `of ${application}`,
  ];
  return element('span.spm-faint', {}, ' ', marked(facts.filter(Boolean).join(', '), text));
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement} input
 * @param {HTMLElement} box
 */
function onKey(event, input, box) {
  const stops = [input, ...box.querySelectorAll('a')];
  const at = stops.indexOf(/** @type {HTMLInputElement} */ (document.activeElement));
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && stops[at + step]) stops[at + step].focus();
  else if (event.key === 'Enter' && at === 0 && stops.length > 1) stops[1].click();
  else if (event.key === 'Escape') {
    input.value = '';
    input.dispatchEvent(new Event('input'));
    input.focus();
  } else return;
  event.preventDefault();
}
