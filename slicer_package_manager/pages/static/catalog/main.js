// The catalog: what its address says, filled from the registry's REST calls.

import { APP, get } from '../api.js';
import { element, fill } from '../dom.js';
import * as bridge from './bridge.js';
import * as builds from './builds.js';
import { card } from './cards.js';
import { showDetail } from './detail.js';
import { elsewhere, emptyBuild, lowerTiers } from './explain.js';
import { notice } from './notices.js';
import * as place from './place.js';
import * as selection from './selection.js';
import { counted } from './texts.js';
import * as tiers from './tiers.js';

const at = (id) => document.getElementById(id);
const TITLE = document.title;
const SEARCH_PAUSE = 400;

let here = place.read();
const summaries = new Map();
let shown = nothingOf(null, {});
let loading = null;
let detail = null;
let scrolled = 0;

/** The start of what is shown for `key`, a build as `keyOf` names it. */
function nothingOf(key, { revision, os }) {
  return { key, revision, os, extensions: [], cards: new Map(), arch: null };
}

const keyOf = ({ revision, os, arch }) => [revision, os, arch].join(' ');

const to = (changes) => place.write({ ...here, ...changes });

/** The builds that there are, with `fields` of a summary or more; asked for once. */
function allBuilds(fields = builds.FIELDS) {
  const known = summaries.get(fields) || summaries.get(builds.TO_CHOOSE);
  if (known) return known;
  const asked = get(`app/${APP}/summary`, { limit: 0, fields }).then(builds.fromSummary);
  asked.catch(() => summaries.delete(fields));
  summaries.set(fields, asked);
  return asked;
}

async function releaseNames() {
  const known = await allBuilds().catch(() => []);
  return new Map(known.filter((one) => one.release).map((one) => [one.revision, one.release]));
}

// ---- Going from place to place

function go(href, { replace = false } = {}) {
  if (replace) window.history.replaceState(null, '', href);
  else window.history.pushState(null, '', href);
  arrive();
}

function onClick(event) {
  const link = event.target.closest && event.target.closest('a[data-page]');
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (link.href !== window.location.href) go(link.href);
}

async function arrive() {
  const before = here;
  here = { ...place.read(), ...bridge.slicerBuild() };
  at('search').value = here.q;
  at('sort').value = here.sort;
  at('tier').value = here.tier || '';
  const mine = here;
  try {
    if (!here.revision || !here.os) return await choose();
    const key = keyOf(here);
    if (shown.arch && key === keyOf(shown)) shown.key = key; // now named, and chosen already when it was not
    if (key !== shown.key) loading = load(key);
    await loading;
    if (key === shown.key) show(before);
  } catch (error) {
    if (here === mine) fail(error); // else something else is shown by now
  }
  return undefined;
}

/** Complete an address that does not say what it is about. */
async function choose() {
  const os = here.os || builds.visitorSystem();
  const latest = builds.latest(await allBuilds(builds.TO_CHOOSE), os);
  if (!latest) return nothing('There are no extensions here yet.', 'They appear as soon as the first one is uploaded.');
  const there = latest.systems.some((one) => one.os === os) ? os : latest.systems[0].os;
  return go(to({ revision: here.revision || latest.revision, os: here.revision ? os : there }), { replace: true });
}

async function load(key) {
  shown = nothingOf(key, here);
  busy(true);
  const { revision, os, arch } = here;
  const [items, processor] = await Promise.all([
    get(`app/${APP}/extension`, { app_revision: revision, os, arch, limit: 0, with_downloads: true }),
    arch ? null : builds.visitorProcessor()]);
  if (shown.key !== key) return;
  const all = items.map(selection.fromItem);
  shown.arch = arch || builds.chosenProcessor([...new Set(all.map((one) => one.arch))], processor);
  shown.extensions = all.filter((one) => one.arch === shown.arch);
  busy(false);
  showBuildChoice();
}

// ---- The list

function show(before) {
  const detailed = Boolean(here.extension);
  if (detailed && !before.extension) scrolled = window.scrollY;
  at('list').hidden = detailed;
  at('detail').hidden = !detailed;
  at('problem').hidden = true;
  if (detailed) showOne();
  else showList(before.extension && scrolled);
}

function showList(scroll) {
  detail = null;
  document.title = TITLE;
  showBuildName();
  const found = tiers.atLeast(selection.searched(shown.extensions, here.q), here.tier);
  showCategories(found);
  const cards = selection.sorted(selection.inCategory(found, here.category), here.sort);
  fill(at('cards'), ...cards.map((one) => cardOf(one).place));
  at('cards').hidden = !cards.length;
  fill(at('empty'));
  at('count').textContent = counted(cards.length, 'extension', 'extensions')
    + (here.category === place.ALL ? '' : ` in ${here.category}`) + (here.q ? ` for “${here.q}”` : '');
  if (!cards.length) explain(found);
  if (scroll) window.scrollTo(0, scroll);
}

function cardOf(extension) {
  if (!shown.cards.has(extension.id)) {
    shown.cards.set(extension.id, card(extension, to({ extension: extension.name, q: '', tier: null, sort: null })));
  }
  return shown.cards.get(extension.id);
}

async function showBuildName() {
  const { revision, os } = here;
  const name = (release) => `${release ? `${release} · ` : ''}${builds.systemName(os, shown.arch)} · revision ${revision}`;
  at('build').textContent = name(null);
  if (bridge.embedded()) return;
  const names = await releaseNames();
  if (here.revision === revision && here.os === os) at('build').textContent = name(names.get(revision));
}

function showCategories(found) {
  const all = selection.categories(shown.extensions);
  const counts = new Map(selection.categories(found).map((one) => [one.name, one.count]));
  const rows = [{ name: place.ALL, count: found.length }, ...all.map(({ name }) => ({ name, count: counts.get(name) || 0 }))];
  fill(at('categories'), ...rows.map(({ name, count }) => element('li', {}, element('a', {
    href: to({ category: name }), 'data-page': true, 'aria-current': name === here.category ? 'page' : null,
    class: count ? null : 'none' },
  element('span', {}, name), element('span.number', {}, String(count))))));
  fill(at('category'), ...rows.map(({ name, count }) => element('option', {
    value: name, selected: name === here.category }, `${name} (${count})`)));
  if (!rows.some((one) => one.name === here.category)) {
    at('category').prepend(element('option', { value: here.category, selected: true }, `${here.category} (0)`));
  }
}

// ---- Why nothing is there

async function explain(found) {
  const { key } = shown;
  if (!shown.extensions.length) return explainBuild(key);
  const lower = selection.inCategory(selection.searched(shown.extensions, here.q), here.category).length;
  if (here.tier && lower) return fill(at('empty'), ...lowerTiers(lower, to));
  if (!here.q) {
    return fill(at('empty'), element('h2', {}, `There is no category “${here.category}” here.`), backToAll());
  }
  fill(at('empty'), element('h2', {}, 'Nothing found.'), found.length > 0 && element('p', {},
    `${counted(found.length, 'extension', 'extensions')} in other categories: `, backToAll('look at all categories')));
  return searchElsewhere(key, here.q);
}

function backToAll(text = 'Look at all categories') {
  return element('a', { href: to({ category: place.ALL }), 'data-page': true }, text);
}

/** Tell of what the search finds for other revisions and systems. */
async function searchElsewhere(key, q) {
  await new Promise((resolve) => { window.setTimeout(resolve, SEARCH_PAUSE); });
  if (shown.key !== key || here.q !== q || here.extension) return;
  const items = await get(`app/${APP}/extension`, { q, limit: 200, sort: 'updated', sortdir: -1 }).catch(() => []);
  if (shown.key !== key || here.q !== q || here.extension) return;
  at('empty').append(...elsewhere(items.reverse(), new Set(shown.extensions.map((one) => one.name)), to));
}

async function explainBuild(key) {
  const all = await allBuilds();
  if (shown.key === key) fill(at('empty'), ...emptyBuild(all, here, to));
}

// ---- One extension

async function showOne() {
  const name = here.extension;
  const { key } = shown;
  if (detail && detail.name === name && detail.key === key) return;
  const releases = await releaseNames();
  if (here.extension !== name || shown.key !== key) return;
  const release = releases.get(here.revision);
  const system = builds.systemName(here.os, shown.arch || here.arch);
  document.title = `${name} · ${TITLE}`;
  detail = { name, key, update: showDetail(at('detail'), {
    extension: shown.extensions.find((one) => one.name === name) || null, name, to, releases,
    build: `${release || `revision ${here.revision}`}, ${system}`,
    has: (other) => shown.extensions.some((one) => one.name === other),
  }) };
  window.scrollTo(0, 0);
  at('detail').querySelector('h1').focus();
}

// ---- Choices and messages

async function showBuildChoice() {
  at('top').hidden = bridge.embedded();
  if (bridge.embedded()) return;
  const all = await allBuilds().catch(() => []);
  const current = { revision: here.revision, release: null, systems: [] };
  const known = all.find((one) => one.revision === here.revision);
  const option = (value, text, selected) => element('option', { value, selected }, text);
  fill(at('revision'), ...(known ? all : [current, ...all]).map((one) => (
    option(one.revision, builds.buildName(one), one.revision === here.revision))));
  const systems = known ? [...known.systems] : [];
  const mine = (one) => one.os === here.os && (one.arch === shown.arch || (!shown.arch && one.arch === here.arch));
  if (!systems.some(mine)) systems.unshift({ os: here.os, arch: shown.arch || here.arch });
  fill(at('system'), ...systems.map((one) => option(`${one.os} ${one.arch || ''}`, builds.systemName(one.os, one.arch), mine(one))));
}

async function onRevision() {
  const all = await allBuilds();
  const build = all.find((one) => one.revision === at('revision').value);
  const same = build && (build.systems.find((one) => one.os === here.os && one.arch === shown.arch)
    || build.systems.find((one) => one.os === here.os) || build.systems[0]);
  go(to({ revision: at('revision').value, ...(same ? { os: same.os, arch: same.arch } : {}) }));
}

function onSystem() {
  const [os, arch] = at('system').value.split(' ');
  go(to({ os, arch }));
}

function search(text) {
  go(to({ q: text, extension: null }), { replace: true });
}

function busy(is) {
  at('cards').setAttribute('aria-busy', String(is));
  if (is) {
    fill(at('cards'));
    fill(at('empty'));
    at('count').textContent = 'Loading…';
    // Slicer refuses what is not in the list to come.
    detail = null;
    fill(at('detail'), element('p.muted', {}, 'Loading…'));
  }
}

function nothing(title, text) {
  at('list').hidden = true;
  at('detail').hidden = true;
  at('problem').hidden = false;
  fill(at('problem'), element('h1', {}, title), element('p', {}, text));
}

function fail(error) {
  shown.key = null;
  nothing('The extensions cannot be shown.', error.message);
  at('problem').append(element('button.button', { type: 'button', onclick: bridge.refresh }, 'Try again'));
}

function onState(name) {
  const extension = shown.extensions.find((one) => one.name === name);
  if (extension && shown.cards.has(extension.id)) shown.cards.get(extension.id).update();
  if (detail && detail.name === name) detail.update();
}

function onSlicer() {
  arrive();
  shown.cards.forEach((one) => one.update());
  if (detail) detail.update();
  showBuildChoice();
}

// Relative addresses would change their meaning as soon as the page is at another place.
document.querySelectorAll('link[href], a.brand').forEach((link) => { link.href = String(link.href); });
bridge.open({ search, notice, state: onState, arrived: onSlicer });
document.addEventListener('click', onClick);
window.addEventListener('popstate', arrive);
at('search').addEventListener('input', () => search(at('search').value));
at('filters').addEventListener('submit', (event) => event.preventDefault());
at('sort').addEventListener('change', () => go(to({ sort: at('sort').value }), { replace: true }));
fill(at('tier'), element('option', { value: '' }, 'Any support'),
  ...tiers.LEVELS.map(({ tier, name }) => element('option', { value: tier }, name)));
at('tier').addEventListener('change', () => go(to({ tier: Number(at('tier').value) || null }), { replace: true }));
at('category').addEventListener('change', () => go(to({ category: at('category').value })));
at('revision').addEventListener('change', onRevision);
at('system').addEventListener('change', onSystem);
arrive();
