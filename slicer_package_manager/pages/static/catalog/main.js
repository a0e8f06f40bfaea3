// @ts-check
// The catalog:
//
// 1. `arrive` reads the address, which Slicer's build overrides, and completes it with the latest build.
// 2. `load` requests the extensions of that build, once for each build.
// 3. `show` shows the list, or one extension, as the URL states.
// 4. Every link, search and choice only changes the address (`go`), and `arrive` follows.

import { APP, get } from '../api.js';
import { byId, element, fill, messageOf } from '../dom.js';
import { counted } from '../texts.js';
import * as bridge from './bridge.js';
import * as builds from './builds.js';
import { card } from './cards.js';
import { showCategories } from './categories.js';
import { chosenRevision, chosenSystem, showBuildChoice } from './choice.js';
import { showDetail } from './detail.js';
import { explain } from './empty.js';
import { notice } from './notices.js';
import * as place from './place.js';
import * as selection from './selection.js';
import { allBuilds, releaseNames } from './summaries.js';
import * as tiers from './tiers.js';

/** @typedef {{revision: string, os: string, arch: string | null}} Build what the address names */

const TITLE = document.title;

let here = place.read();
/** The extensions of one build, with their cards by ids; `key` identifies the build. */
let shown = nothingYet(null, { revision: '', os: '', arch: null });
/** @type {Promise<void> | null} */
let loading = null;
/** The extension that is shown alone. @type {{name: string, key: string | null, update: () => void} | null} */
let detail = null;
/** Position of the list, for the way back from an extension. */
let scrolled = 0;

/**
 * @param {string | null} key
 * @param {Build} build
 */
function nothingYet(key, { revision, os }) {
  return {
    key,
    revision,
    os,
    arch: /** @type {string | null} */ (null),
    extensions: /** @type {selection.Extension[]} */ ([]),
    cards: /** @type {Map<string, import('./parts.js').Updatable>} */ (new Map()),
  };
}

/** @param {Build} build */
const keyOf = ({ revision, os, arch }) => [revision, os, arch].join(' ');

/** @type {import('./explain.js').To} */
const to = (changes) => place.write({ ...here, ...changes });

/** The build that is shown; only called when the address is complete. */
function current() {
  return { revision: here.revision || '', os: here.os || '', arch: here.arch, shownArch: shown.arch };
}

// ---- Going from place to place

function go(/** @type {string} */ href, { replace = false } = {}) {
  if (replace) window.history.replaceState(null, '', href);
  else window.history.pushState(null, '', href);
  arrive();
}

/** @param {MouseEvent} event */
function onClick(event) {
  const link = event.target instanceof Element ? event.target.closest('a[data-page]') : null;
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (link.href !== window.location.href) go(link.href);
}

async function arrive() {
  const before = here;
  here = { ...place.read(), ...bridge.slicerBuild() };
  byId('search', HTMLInputElement).value = here.q;
  byId('sort', HTMLSelectElement).value = here.sort;
  byId('tier', HTMLSelectElement).value = String(here.tier || '');
  const mine = here;
  try {
    if (!here.revision || !here.os) {
      await choose();
      return;
    }
    const key = keyOf(current());
    if (shown.arch && key === keyOf(shown)) shown.key = key; // now named, and chosen already when it was not
    if (key !== shown.key) loading = load(key, current());
    await loading;
    if (key === shown.key) show(before);
  } catch (error) {
    if (here === mine) fail(messageOf(error)); // else something else is shown by now
  }
}

/** Complete an address without a build. */
async function choose() {
  const os = here.os || builds.visitorSystem();
  const latest = builds.latest(await allBuilds(builds.TO_CHOOSE), os);
  if (!latest) {
    showAlone('There are no extensions here yet.', 'They appear as soon as the first one is uploaded.');
    return;
  }
  const there = latest.systems.some((one) => one.os === os) ? os : latest.systems[0].os;
  go(to({ revision: here.revision || latest.revision, os: here.revision ? os : there }), { replace: true });
}

/**
 * @param {string} key
 * @param {Build} build
 */
async function load(key, build) {
  shown = nothingYet(key, build);
  showLoading();
  const { revision, os, arch } = build;
  const parameters = { app_revision: revision, os, arch, limit: 0, with_downloads: true };
  const [items, processor] = await Promise.all([
    /** @type {Promise<Registry.Item[]>} */ (get(`app/${APP}/extension`, parameters)),
    arch ? null : builds.visitorProcessor(),
  ]);
  if (shown.key !== key) return;
  const all = items.map(selection.fromItem);
  shown.arch = arch || builds.chosenProcessor([...new Set(all.map((one) => one.arch))], processor);
  shown.extensions = all.filter((one) => one.arch === shown.arch);
  byId('cards').setAttribute('aria-busy', 'false');
  showBuildChoice(current);
}

// ---- The list

/** @param {place.Place} before */
function show(before) {
  const detailed = Boolean(here.extension);
  if (detailed && !before.extension) scrolled = window.scrollY;
  byId('list').hidden = detailed;
  byId('detail').hidden = !detailed;
  byId('problem').hidden = true;
  if (detailed) showOne();
  else showList(before.extension ? scrolled : 0);
}

/** @param {number} scroll */
function showList(scroll) {
  detail = null;
  document.title = TITLE;
  showBuildName();
  const found = tiers.atLeast(selection.searched(shown.extensions, here.q), here.tier);
  showCategories(shown.extensions, found, here.category, to);
  const cards = selection.sorted(selection.inCategory(found, here.category), here.sort);
  fill(byId('cards'), ...cards.map((one) => cardOf(one).place));
  byId('cards').hidden = !cards.length;
  fill(byId('empty'));
  const category = here.category === place.ALL ? '' : ` in ${here.category}`;
  byId('count').textContent = `${counted(cards.length, 'extension')}${category}${here.q ? ` for “${here.q}”` : ''}`;
  if (!cards.length) explainEmpty(found);
  if (scroll) window.scrollTo(0, scroll);
}

/** @param {selection.Extension[]} found in all categories */
function explainEmpty(found) {
  const { key, extensions } = shown;
  const { q } = here;
  const isOver = () => shown.key !== key || here.q !== q || Boolean(here.extension);
  explain(found, { place: here, extensions, build: current(), to, isOver });
}

/** @param {selection.Extension} extension */
function cardOf(extension) {
  const known =
    shown.cards.get(extension.id) || card(extension, to({ extension: extension.name, q: '', tier: null, sort: null }));
  shown.cards.set(extension.id, known);
  return known;
}

async function showBuildName() {
  const { revision, os } = current();
  const name = (/** @type {string | undefined} */ release) =>
    `${release ? `${release} · ` : ''}${builds.systemName(os, shown.arch)} · revision ${revision}`;
  byId('build').textContent = name(undefined);
  if (bridge.embedded()) return;
  const names = await releaseNames();
  if (here.revision === revision && here.os === os) byId('build').textContent = name(names.get(revision));
}

// ---- One extension

async function showOne() {
  const { key } = shown;
  const { revision, os, shownArch, arch } = current();
  const name = here.extension || '';
  if (detail && detail.name === name && detail.key === key) return;
  const releases = await releaseNames();
  if (here.extension !== name || shown.key !== key) return;
  document.title = `${name} · ${TITLE}`;
  const about = {
    extension: shown.extensions.find((one) => one.name === name) || null,
    name,
    to,
    releases,
    build: `${releases.get(revision) || `revision ${revision}`}, ${builds.systemName(os, shownArch || arch)}`,
    has: (/** @type {string} */ other) => shown.extensions.some((one) => one.name === other),
  };
  detail = { name, key, update: showDetail(byId('detail'), about) };
  window.scrollTo(0, 0);
  byId('detail').querySelector('h1')?.focus();
}

// ---- Messages

function showLoading() {
  byId('cards').setAttribute('aria-busy', 'true');
  fill(byId('cards'));
  fill(byId('empty'));
  byId('count').textContent = 'Loading…';
  // Slicer refuses extensions that are not in the list that is loaded now.
  detail = null;
  fill(byId('detail'), element('p.muted', {}, 'Loading…'));
}

/**
 * Show a message in the place of everything else.
 *
 * @param {string} title
 * @param {string} text
 */
function showAlone(title, text) {
  byId('list').hidden = true;
  byId('detail').hidden = true;
  byId('problem').hidden = false;
  fill(byId('problem'), element('h1', {}, title), element('p', {}, text));
}

/** @param {string} message */
function fail(message) {
  shown.key = null;
  showAlone('The extensions cannot be shown.', message);
  byId('problem').append(element('button.button', { type: 'button', onclick: bridge.refresh }, 'Try again'));
}

/** @param {string} name of an extension whose state in Slicer changed */
function onState(name) {
  const extension = shown.extensions.find((one) => one.name === name);
  if (extension) shown.cards.get(extension.id)?.update();
  if (detail && detail.name === name) detail.update();
}

function onSlicer() {
  arrive();
  for (const one of shown.cards.values()) one.update();
  if (detail) detail.update();
  showBuildChoice(current);
}

/** @param {string} text */
function search(text) {
  go(to({ q: text, extension: null }), { replace: true });
}

/**
 * @param {string} id of a control
 * @param {(value: string) => void} listener
 */
function onChange(id, listener) {
  const control = byId(id, HTMLSelectElement);
  control.addEventListener('change', () => listener(control.value));
}

// Relative addresses would change their meaning as soon as the page is at another place.
for (const link of document.querySelectorAll('link[href], a[href]:not([href^="#"])')) {
  Object.assign(link, { href: String(/** @type {HTMLAnchorElement | HTMLLinkElement} */ (link).href) });
}
byId('find', HTMLFormElement).action = String(byId('find', HTMLFormElement).action);
bridge.open({ search, notice, state: onState, arrived: onSlicer });
document.addEventListener('click', onClick);
window.addEventListener('popstate', arrive);
byId('search').addEventListener('input', () => search(byId('search', HTMLInputElement).value));
for (const id of ['find', 'filters']) byId(id).addEventListener('submit', (event) => event.preventDefault());
fill(
  byId('tier'),
  element('option', { value: '' }, 'Any support'),
  tiers.LEVELS.map(({ tier, name }) => element('option', { value: tier }, name)),
);
onChange('tier', (value) => go(to({ tier: Number(value) || null }), { replace: true }));
onChange('sort', (sort) => go(to({ sort }), { replace: true }));
onChange('category', (category) => go(to({ category })));
onChange('revision', async () => go(to(await chosenRevision(current()))));
onChange('system', () => go(to(chosenSystem())));
arrive();
