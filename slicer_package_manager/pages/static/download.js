// @ts-check
// The download page works without this script, which shows the builds for the visitor's computer first, and copies
// checksums.
import { offerCopies } from './copy.js';
import { byId, element, fill } from './dom.js';
import { visitorArchitecture, visitorSystem } from './visitor.js';

/**
 * The button for one architecture of a system: its release or, if there is none, its preview.
 *
 * @param {HTMLElement} section
 * @param {HTMLElement} row
 */
function choice(section, row) {
  const build = one('[data-kind="Release"]', row) || need('.build', row);
  const { kind, version } = build.dataset;
  const label = `Download ${version}${kind === 'Preview' ? ' (preview)' : ''}`;
  return element(
    'a.button.primary',
    { href: need('.get', build).getAttribute('href'), rel: 'nofollow' },
    label,
    element('span', {}, `${section.dataset.name}, ${row.dataset.name}`),
  );
}

/**
 * @param {string} selector
 * @param {ParentNode} parent
 */
function one(selector, parent = document) {
  return /** @type {HTMLElement | null} */ (parent.querySelector(selector));
}

/**
 * @param {string} selector
 * @param {ParentNode} parent
 */
function need(selector, parent) {
  return /** @type {HTMLElement} */ (parent.querySelector(selector));
}

/**
 * @param {string | null} arch
 * @param {number} rows architectures of the system that have builds
 * @param {number} mine those that fit
 */
function hintFor(arch, rows, mine) {
  if (arch && !mine) {
    return 'There is no build for processors like yours. Others run only if your system emulates their processor.';
  }
  if (arch || rows < 2) return null;
  return 'Apple silicon or Intel? See "About This Mac" in the Apple menu: chips called M1 and so on are Apple silicon.';
}

/**
 * @param {HTMLElement} section of the visitor's system
 * @param {string | null} arch
 */
function show(section, arch) {
  const rows = /** @type {HTMLElement[]} */ ([...section.querySelectorAll('.architecture')]);
  const mine = rows.filter((row) => row.dataset.arch === arch);
  const hint = hintFor(arch, rows.length, mine.length);
  const yours = byId('yours');
  const choices = (mine.length ? mine : rows).map((row) => choice(section, row));
  const hrefs = (/** @type {Element[]} */ links) => links.map((link) => link.getAttribute('href')).join(' ');
  if (hrefs(choices) === hrefs([...yours.querySelectorAll('.choices a')]) && !hint === !one('.hint', yours)) return;
  fill(
    yours,
    element('h2', { id: 'yours-name' }, 'For your computer'),
    element('div.choices', {}, choices),
    hint && element('p.hint.small', {}, hint),
  );
  yours.hidden = false;
  mark(section);
}

/**
 * Show the section of the visitor's system first.
 *
 * @param {HTMLElement | null} section
 */
function mark(section) {
  for (const other of document.querySelectorAll('.system')) {
    other.classList.toggle('here', other === section);
    need('h2 .chip', other).hidden = other !== section;
  }
  if (section && byId('systems').firstElementChild !== section) byId('systems').prepend(section);
}

offerCopies(document, (text) => {
  byId('status').textContent = text;
});

const os = visitorSystem(navigator);
const section = os && one(`.system[data-os="${os}"]`);
if (section) show(section, await visitorArchitecture(navigator, os));
else {
  byId('yours').hidden = true;
  mark(null);
}
