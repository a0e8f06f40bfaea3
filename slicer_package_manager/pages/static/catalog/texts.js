// Dates, numbers and descriptions for people.

import { element, webAddress } from '../dom.js';

const DAY = new Intl.DateTimeFormat('en', { year: 'numeric', month: 'short', day: 'numeric', timeZone: 'UTC' });
const NUMBER = new Intl.NumberFormat('en');
// What the registry keeps in descriptions; a page must be safe without that.
const TAGS = new Set(['A', 'B', 'BLOCKQUOTE', 'BR', 'CODE', 'EM', 'I', 'LI', 'OL', 'P', 'PRE', 'STRONG', 'SUB', 'SUP',
  'U', 'UL']);
const IGNORED = ['script', 'style', 'template', 'iframe', 'noscript', 'svg', 'math', 'title', 'textarea'];
const SHORT = 10;

export const number = (value) => NUMBER.format(value);
export const counted = (value, one, many) => `${number(value)} ${value === 1 ? one : many}`;

/** A moment as a day; an empty text for none. */
export function day(text) {
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? '' : DAY.format(moment);
}

/** A revision as it is told to people: the beginning of a long one. */
export function shortRevision(revision) {
  return /^[0-9a-f]{16,}$/i.test(revision) ? revision.slice(0, SHORT - 3) : revision.slice(0, SHORT * 2);
}

/** A number of bytes. */
export function size(bytes) {
  if (bytes < 1e6) return `${number(Math.max(1, Math.round(bytes / 1e3)))} kB`;
  return bytes < 1e9 ? `${number(Math.round(bytes / 1e5) / 10)} MB` : `${number(Math.round(bytes / 1e8) / 10)} GB`;
}

/** The address of a repository that a browser can open, at `revision` where that is known to work; else `null`. */
export function repository(url, revision) {
  const address = webAddress(url.replace(/^git:\/\/(github\.com|gitlab\.com)\//, 'https://$1/'));
  if (!address || !revision) return address;
  const home = address.replace(/\/$/, '').replace(/\.git$/, '');
  const { hostname } = new URL(home);
  if (hostname === 'github.com') return `${home}/tree/${encodeURIComponent(revision)}`;
  if (hostname === 'gitlab.com') return `${home}/-/tree/${encodeURIComponent(revision)}`;
  return address;
}

function parsed(html) {
  // A document of its own: nothing in it runs or is loaded.
  return new DOMParser().parseFromString(html, 'text/html').body;
}

/** The text of a description, without its markup. */
export function plainText(html) {
  const body = parsed(html);
  body.querySelectorAll(IGNORED.join(',')).forEach((one) => one.remove());
  return body.textContent.replace(/\s+/g, ' ').trim();
}

/** A description as elements: texts, tags that only format them, and links to the web. */
export function richText(html) {
  return [...parsed(html).childNodes].flatMap(copied);
}

function copied(node) {
  if (node.nodeType === Node.TEXT_NODE) return [node.textContent];
  if (node.nodeType !== Node.ELEMENT_NODE || IGNORED.includes(node.tagName.toLowerCase())) return [];
  const content = [...node.childNodes].flatMap(copied);
  if (!TAGS.has(node.tagName)) return content;
  if (node.tagName !== 'A') return [element(node.tagName, {}, ...content)];
  const href = linkTarget(node.getAttribute('href') || '');
  return href ? [element('a', { href, rel: 'noopener noreferrer' }, ...content)] : content;
}

function linkTarget(text) {
  return /^mailto:[^?\s]+$/i.test(text) ? text : webAddress(text);
}
