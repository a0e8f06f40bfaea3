// @ts-check
// Parts that cards and the pages of extensions have in common.

import { address } from '../api.js';
import { element, fill, webAddress } from '../dom.js';
import { repository, shortRevision } from '../texts.js';
import { act, ask, bookmarked, embedded, stateOf, update, updateOf } from './bridge.js';
import { tierName } from './tiers.js';

/** @typedef {import('./selection.js').Extension} Extension */
/** @typedef {{place: HTMLElement, update: () => void}} Updatable an element, and how to update it when Slicer's state changes */

/** @type {Record<import('./bridge.js').State, {label: string, look: string, note?: string}>} */
const ACTIONS = {
  Installed: { label: 'Uninstall', look: '.danger' },
  ScheduledForUninstall: { label: 'Keep installed', look: '', note: 'Will be uninstalled when Slicer restarts' },
  NotInstalled: { label: 'Install', look: '.primary' },
};
/** Colors of letters, see `catalog.css`. */
const HUES = 12;
const LOW_BYTE = 256;

/** @param {string} name */
function hue(name) {
  return name.split('').reduce((sum, one) => sum + (one.charCodeAt(0) % LOW_BYTE), 0) % HUES;
}

/**
 * The icon of an extension; its first letter where there is none, or where it cannot be loaded.
 *
 * @param {Extension} extension
 */
export function icon(extension, large = false) {
  const place = element(`div.icon${large ? '.large' : ''}`, { 'aria-hidden': 'true' });
  const letter = () => {
    place.textContent = extension.name.slice(0, 1).toUpperCase();
    place.classList.add('letter', `hue-${hue(extension.name)}`);
  };
  const src = webAddress(extension.icon_url);
  if (src) place.append(element('img', { src, alt: '', loading: 'lazy', decoding: 'async', onerror: letter }));
  else letter();
  return place;
}

/**
 * Show the letter in place of an icon that the server has drawn, and that cannot be loaded.
 *
 * @param {Element} place
 * @param {Extension} extension
 */
export function watchIcon(place, extension) {
  const image = place.querySelector('.icon img');
  if (!(image instanceof HTMLImageElement)) return;
  const replace = () =>
    image
      .closest('.icon')
      ?.replaceWith(icon({ ...extension, icon_url: '' }, Boolean(place.querySelector('.icon.large'))));
  if (image.complete && !image.naturalWidth) replace();
  else image.addEventListener('error', replace);
}

/**
 * The button of an extension: inside of Slicer it installs or uninstalls it, elsewhere it downloads it.
 *
 * @param {Extension} extension
 * @param {HTMLElement} place where the server has drawn it already, if it has
 * @returns {Updatable}
 */
export function action(extension, place = element('div.action')) {
  const redraw = () => {
    const hadFocus = place.contains(document.activeElement);
    fill(place, embedded() ? slicerButton(extension) : downloadButton(extension));
    const button = place.querySelector('a, button');
    if (hadFocus && button instanceof HTMLElement) button.focus();
  };
  if (!place.firstChild || embedded()) redraw();
  return { place, update: redraw };
}

/** @param {Extension} extension */
function slicerButton(extension) {
  ask(extension.name);
  const { label, look, note } = ACTIONS[stateOf(extension.name) || 'NotInstalled'];
  const available = updateOf(extension.name);
  const notes = [
    note,
    available === 'scheduled' && 'Will be updated when Slicer restarts',
    available === 'available' && 'Update available',
    bookmarked(extension.name) && 'Bookmarked',
  ];
  return [
    ...notes.filter(Boolean).map((one) => element('span.note', {}, one)),
    ...(available === 'available' ? [commandButton('Update', extension, '.primary', () => update(extension))] : []),
    commandButton(label, extension, look, () => act(extension)),
  ];
}

/**
 * @param {string} label
 * @param {Extension} extension
 * @param {string} look classes
 * @param {() => void} onclick
 */
function commandButton(label, { name }, look, onclick) {
  return element(`button.button${look}`, { type: 'button', 'aria-label': `${label}: ${name}`, onclick }, label);
}

/** @param {Extension} extension */
function downloadButton({ id, name }) {
  return element(
    'a.button.primary',
    {
      href: address(`item/${encodeURIComponent(id)}/download`),
      'aria-label': `Download: ${name}`,
    },
    'Download',
  );
}

/**
 * The short revision, as a link to the sources where browsers can open their repository.
 *
 * @param {Extension} extension
 */
export function revisionLink({ repository_url: url, revision }) {
  const href = repository(url, revision);
  const text = shortRevision(revision) || 'sources';
  return href
    ? element('a.revision', { href, title: `Sources at revision ${revision}`, rel: 'noopener noreferrer' }, text)
    : element('span.revision', { title: revision }, text);
}

/**
 * How well the extension is supported; `null` for an unknown tier.
 *
 * @param {Extension} extension
 */
export function tierChip({ tier }) {
  return tier === null
    ? null
    : element(
        'span.chip.tier',
        {
          title: `Tier ${tier}: 1 is experimental, 3 community-supported, 5 supported by Slicer core developers`,
        },
        tierName(tier),
      );
}
