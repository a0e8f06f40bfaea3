// What cards and the pages of extensions have in common.

import { address } from '../api.js';
import { element, webAddress } from '../dom.js';
import { act, ask, embedded, stateOf } from './bridge.js';
import { repository, shortRevision } from './texts.js';
import { tierName } from './tiers.js';

const ACTIONS = {
  Installed: { label: 'Uninstall', look: '.danger' },
  ScheduledForUninstall: { label: 'Keep installed', look: '', note: 'Will be uninstalled when Slicer restarts' },
  NotInstalled: { label: 'Install', look: '.primary' },
};
const HUES = 360;

/** The picture of an extension; its first letter where there is none, or none that can be shown. */
export function icon(extension, large = false) {
  const place = element(`div.icon${large ? '.large' : ''}`, { 'aria-hidden': 'true' });
  const letter = () => {
    place.textContent = extension.name.slice(0, 1).toUpperCase();
    place.style.setProperty('--hue', [...extension.name].reduce((sum, one) => sum + one.charCodeAt(0) * 7, 0) % HUES);
    place.classList.add('letter');
  };
  const src = webAddress(extension.icon_url);
  if (src) place.append(element('img', { src, alt: '', loading: 'lazy', decoding: 'async', onerror: letter }));
  else letter();
  return place;
}

/**
 * Where to get the extension: inside of Slicer a button that installs or uninstalls it, elsewhere a download.
 *
 * The answer has the element, and `update()` to be called when Slicer's state of the extension has changed.
 */
export function action(extension) {
  const place = element('div.action');
  const update = () => {
    const had = place.contains(document.activeElement);
    place.textContent = '';
    place.append(...(embedded() ? slicerButton(extension) : [downloadButton(extension)]));
    if (had) place.querySelector('a, button').focus();
  };
  update();
  return { place, update };
}

function slicerButton(extension) {
  ask(extension.name);
  const { label, look, note } = ACTIONS[stateOf(extension.name) || 'NotInstalled'];
  const button = element(`button.button${look}`, {
    type: 'button', 'aria-label': `${label}: ${extension.name}`, onclick: () => act(extension) }, label);
  return note ? [element('span.note', {}, note), button] : [button];
}

function downloadButton({ id, name }) {
  return element('a.button.primary', {
    href: address(`item/${encodeURIComponent(id)}/download`), 'aria-label': `Download: ${name}` }, 'Download');
}

/** The short revision, as a link to the sources where that is one for browsers. */
export function revisionLink({ repository_url: url, revision }) {
  const href = repository(url, revision);
  const text = shortRevision(revision) || 'sources';
  return href ? element('a.revision', { href, title: `Sources at revision ${revision}`, rel: 'noopener noreferrer' }, text)
    : element('span.revision', { title: revision }, text);
}

/** How well the extension is supported; `null` where the registry does not know. */
export function tierChip({ tier }) {
  return tier === null ? null : element('span.chip.tier', {
    title: `Tier ${tier}: 1 is experimental, 3 community-supported, 5 supported by Slicer core developers` }, tierName(tier));
}
