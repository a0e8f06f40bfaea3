// @ts-check
// The catalog:
//
// 1. The server draws the page that the address names, and puts the same data into it (`inline.js`).
// 2. `arrive` reads the address, which Slicer's build overrides, and shows the list or one extension.
// 3. `load` takes the extensions of the build from the page or, for another build, requests them, once for each build.
// 4. `showOne` takes the page of an extension from the page, or requests it from the server (`detail.js`).
// 5. Every link, search and choice only changes the address (`go`), and `arrive` follows.

import { APP, get } from '../api.js';
import { byId, element, fill, messageOf } from '../dom.js';
import { counted } from '../texts.js';
import * as bridge from './bridge.js';
import * as builds from './builds.js';
import { card } from './cards.js';
import { showCategories } from './categories.js';
import { chosenRevision, chosenSystem, showBuildChoice } from './choice.js';
import { enliven, put, requested } from './detail.js';
import { explain } from './empty.js';
import { inlineData } from './inline.js';
import { notice } from './notices.js';
import * as place from './place.js';
import { namesInOrder } from './popular.js';
import { mark, remember, search } from './search.js';
import * as selection from './selection.js';
import { nameOf } from './summaries.js';
import * as tiers from './tiers.js';

/** @typedef {{revision: string, os: string, arch: string | null}} Build what the address names */
/** @typedef {{revision: string, os: string, arch: string}} ShownBuild */

const NAME = document.querySelector('.brand')?.textContent || '';
const inline = inlineData();
/** Whether nothing was loaded yet. */
let isFresh = true;
/** Whether the server has drawn the list that is shown. */
let isServers = false;
/** What the server has drawn of an extension, until it is used or replaced. */
let drawn = inline?.extension ? inline : null;

let here = place.read();
/** The extensions of one build, with their cards by ids; `key` identifies the build. */
let shown = nothingYet(null, { revision: '', os: '', arch: null });
/** @type {Promise<void> | null} */
let loading = null;
/** The extension that is shown alone. @type {{name: string, build: ShownBuild, update: () => void} | null} */
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
  const field = byId('search', HTMLInputElement);
  if (field.value.trim() !== here.q) field.value = here.q; // else the caret would move
  showSort();
  byId('tier', HTMLSelectElement).value = String(here.tier || '');
  const mine = here;
  try {
    if (here.extension) {
      if (!before.extension) scrolled = window.scrollY;
      await showOne();
      return;
    }
    if (!here.revision || !here.os) {
      choose();
      return;
    }
    const key = keyOf(current());
    if (shown.arch && key === keyOf(shown)) shown.key = key; // now named, and chosen already when it was not
    if (key !== shown.key) loading = load(key, current());
    await loading;
    const searched = await search(shown, here.q, () => here !== mine);
    const names = await namesInOrder(here.sort);
    if (key === shown.key && here === mine) showList(before.extension, searched, names);
  } catch (error) {
    if (here === mine) fail(messageOf(error)); // else something else is shown by now
  }
}

/** Complete an address without a build by the one that the server has chosen. */
function choose() {
  if (!inline || inline.extension) return; // the page states that there are no extensions
  const { revision, os } = inline.place;
  go(to({ revision: here.revision || revision, os: here.os || os }), { replace: true });
}

/**
 * @param {string} key
 * @param {Build} build
 */
async function load(key, build) {
  const isDrawn = isFresh && Boolean(inline && !inline.extension);
  isFresh = false;
  shown = nothingYet(key, build);
  if (!isDrawn) showLoading();
  const processor = build.arch ? null : await builds.visitorProcessor();
  if (shown.key !== key) return;
  const known = fromPage(build, processor);
  isServers = isDrawn && Boolean(known);
  if (isDrawn && !known) showLoading();
  const { revision, os, arch } = build;
  const parameters = { app_revision: revision, os, arch, limit: 0, with_downloads: true };
  const items = known || /** @type {Registry.Item[]} */ (await get(`app/${APP}/extension`, parameters));
  if (shown.key !== key) return;
  const all = items.map(selection.fromItem);
  shown.arch =
    (known && inline?.place.arch) ||
    arch ||
    builds.chosenProcessor([...new Set(all.map((one) => one.arch))], processor);
  shown.extensions = all.filter((one) => one.arch === shown.arch);
  byId('cards').setAttribute('aria-busy', 'false');
  showBuildChoice(current);
}

/**
 * The extensions of a build that the server has put into the page; `null` if that is about another build.
 *
 * @param {Build} build
 * @param {string | null} processor of the visitor
 */
function fromPage({ revision, os, arch }, processor) {
  if (!inline || inline.extension || inline.place.revision !== revision || inline.place.os !== os) return null;
  const wanted = arch || builds.chosenProcessor(inline.architectures || [], processor) || inline.place.arch;
  return wanted === inline.place.arch ? inline.items : null;
}

// ---- The list

/** @param {'list' | 'detail' | 'problem'} part */
function showPart(part) {
  for (const id of ['list', 'detail', 'problem']) byId(id).hidden = id !== part;
}

/** What a search finds can be shown by relevance. */
function showSort() {
  const control = byId('sort', HTMLSelectElement);
  const relevance = /** @type {HTMLOptionElement} */ (control.querySelector(`[value=${place.RELEVANCE}]`));
  relevance.hidden = relevance.disabled = !here.q;
  control.value = here.sort;
}

/**
 * @param {string | null} from the extension from which the visitor comes back
 * @param {import('./search.js').Found | null} searched what the search finds
 * @param {string[] | null} names of all extensions, in an order by popularity
 */
function showList(from, searched, names) {
  showPart('list');
  byId('choice').hidden = false;
  detail = null;
  document.title = here.category === place.ALL ? `${NAME} extensions` : `${here.category} extensions for ${NAME}`;
  showBuildName();
  const matching = selection.matching(shown.extensions, searched ? searched.ids : null);
  const found = tiers.atLeast(matching, here.tier);
  showCategories(found, here.category, to);
  const cards = selection.sorted(selection.inCategory(found, here.category), here.sort, names);
  showCards(cards.map((one) => cardOf(one).place));
  byId('cards').hidden = !cards.length;
  const isEmptyDrawn = isServers && !cards.length && !bridge.embedded();
  isServers = false;
  if (!isEmptyDrawn) fill(byId('empty'));
  const category = here.category === place.ALL ? '' : ` in ${here.category}`;
  byId('count').textContent = `${counted(cards.length, 'extension')}${category}${here.q ? ` for “${here.q}”` : ''}`;
  showSuggestion(searched ? searched.suggestion : '');
  if (!cards.length && !isEmptyDrawn) explainEmpty(found, matching);
  if (!from) return;
  if (scrolled) window.scrollTo(0, scrolled);
  const link = byId('cards').querySelector(`a[data-name="${CSS.escape(from)}"]`);
  if (link instanceof HTMLElement) link.focus({ preventScroll: true });
}

/** @param {string} words the search that was probably meant; empty without one */
function showSuggestion(words) {
  const place = byId('suggestion');
  const link = element('a', { href: to({ q: words }), 'data-page': true }, words);
  fill(place, ...(words ? ['Did you mean ', link, '?'] : []));
}

/**
 * Draw the list, unless it is drawn like that.
 *
 * @param {HTMLElement[]} cards
 */
function showCards(cards) {
  const list = byId('cards');
  if (list.children.length === cards.length && cards.every((one, index) => list.children[index] === one)) return;
  fill(list, ...cards);
}

/**
 * @param {selection.Extension[]} found in all categories
 * @param {selection.Extension[]} matching the search
 */
function explainEmpty(found, matching) {
  const { key, extensions } = shown;
  const { q } = here;
  const isOver = () => shown.key !== key || here.q !== q || Boolean(here.extension);
  explain(found, { place: here, extensions, matching, build: current(), to, isOver });
}

/** @param {selection.Extension} extension */
function cardOf(extension) {
  const known = shown.cards.get(extension.id) || card(extension, to({ extension: extension.name, arch: shown.arch }));
  const link = known.place.querySelector('h2 a');
  if (link instanceof HTMLAnchorElement) link.href = to({ extension: extension.name, arch: shown.arch });
  mark(known.place, here.q);
  shown.cards.set(extension.id, known);
  return known;
}

async function showBuildName() {
  const { revision, os } = current();
  const show = (/** @type {string} */ name) => {
    byId('build').textContent = `${name} · ${builds.systemName(os, shown.arch)}`;
  };
  if (!isServers) show(builds.buildName({ revision }));
  if (bridge.embedded() || isServers) return;
  const name = await nameOf(revision);
  if (here.revision === revision && here.os === os) show(name);
}

// ---- One extension

async function showOne() {
  const name = here.extension || '';
  if (detail && detail.name === name && isOfBuild(detail.build)) return;
  showPart('detail');
  byId('choice').hidden = true;
  const panel = byId('detail');
  const data = drawn;
  drawn = null;
  if (data && data.extension === name && isOfBuild(data.place)) {
    const isNamed = Boolean(here.arch);
    complete(data.place);
    detail = { name, build: data.place, update: enliven(panel, data) };
    if (!isNamed) await suit(data);
    return;
  }
  const { revision, os, arch } = here;
  const mine = { name, build: { revision: revision || '', os: os || '', arch: arch || '' }, update: () => {} };
  detail = mine;
  // At once: Slicer refuses extensions that are not in the list that is loaded now.
  fill(panel, element('p.muted', { role: 'status' }, 'Loading…'));
  const page = await requested(to({}));
  if (detail !== mine) return;
  put(panel, page.content);
  document.title = page.title;
  if (page.data) {
    complete(page.data.place);
    mine.build = page.data.place;
  }
  mine.update = enliven(panel, page.data);
  window.scrollTo(0, 0);
  panel.querySelector('h1')?.focus();
}

/**
 * Show the build for the visitor's processor, which the server does not know, in place of the usual one.
 *
 * @param {import('./inline.js').Inline} data of the page that is shown
 */
async function suit({ place: { arch }, architectures = [] }) {
  const shownOne = detail;
  const processor = builds.chosenProcessor(architectures, await builds.visitorProcessor());
  if (processor && processor !== arch && detail === shownOne && !bridge.embedded()) {
    go(to({ arch: processor }), { replace: true });
  }
}

/**
 * Stay with a build that the server has chosen.
 *
 * @param {ShownBuild} build
 */
function complete({ revision, os, arch }) {
  here = { ...here, revision: here.revision || revision, os: here.os || os, arch: here.arch || arch };
}

/** @param {ShownBuild} build */
function isOfBuild({ revision, os, arch }) {
  return (
    (!here.revision || here.revision === revision) && (!here.os || here.os === os) && (!here.arch || here.arch === arch)
  );
}

// ---- Messages

function showLoading() {
  byId('cards').setAttribute('aria-busy', 'true');
  fill(byId('cards'));
  fill(byId('empty'));
  byId('count').textContent = 'Loading…';
  detail = null;
}

/**
 * Show a message in the place of everything else.
 *
 * @param {string} title
 * @param {string} text
 */
function showAlone(title, text) {
  showPart('problem');
  fill(byId('problem'), element('h1', {}, title), element('p', {}, text));
}

/** @param {string} message */
function fail(message) {
  shown.key = null;
  detail = null;
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
function find(text) {
  go(place.write(place.searching(here, text)), { replace: true });
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
for (const form of document.forms) if (form.hasAttribute('action')) form.setAttribute('action', form.action);
if (inline) remember(inline);
bridge.open({ search: find, notice, state: onState, arrived: onSlicer });
document.addEventListener('click', onClick);
window.addEventListener('popstate', arrive);
byId('search').addEventListener('input', () => find(byId('search', HTMLInputElement).value));
for (const id of ['find', 'filters', 'choice']) byId(id).addEventListener('submit', (event) => event.preventDefault());
onChange('tier', (value) => go(to({ tier: Number(value) || null }), { replace: true }));
onChange('sort', (sort) => go(to({ sort }), { replace: true }));
onChange('category', (category) => go(to({ category })));
onChange('revision', async () => go(to(await chosenRevision(current()))));
onChange('system', () => go(to(chosenSystem())));
arrive();
