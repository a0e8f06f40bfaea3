// @ts-check
// Dates, numbers and descriptions as people read them.

import { element, webAddress } from './dom.js';

const DAY = new Intl.DateTimeFormat('en', { year: 'numeric', month: 'short', day: 'numeric', timeZone: 'UTC' });
const NUMBER = new Intl.NumberFormat('en');
// Tags that the registry keeps in descriptions. The page does not rely on it.
const TAGS = new Set([
  'A',
  'B',
  'BLOCKQUOTE',
  'BR',
  'CODE',
  'EM',
  'I',
  'LI',
  'OL',
  'P',
  'PRE',
  'STRONG',
  'SUB',
  'SUP',
  'U',
  'UL',
]);
const IGNORED = ['script', 'style', 'template', 'iframe', 'noscript', 'svg', 'math', 'title', 'textarea'];
const SHORT = 10;

/**
 * A number with separators: `1,234`.
 *
 * @param {number} value
 */
export const number = (value) => NUMBER.format(value);

/**
 * A number with its noun: `1 download`, `2 downloads`.
 *
 * @param {number} value
 * @param {string} one
 * @param {string} many
 */
export const counted = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

/**
 * `text` with the words of the search `q` marked, in any case and with any accents.
 *
 * @param {string} text
 * @param {string} q
 */
export function marked(text, q) {
  const words = plain(q).split(/\s+/).filter(Boolean);
  if (!words.length) return [text];
  words.sort((one, other) => other.length - one.length);
  const pattern = new RegExp(words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g');
  const letters = [...text].map((letter) => (letter.length === 1 && plain(letter)[0]) || letter).join('');
  const made = [];
  let end = 0;
  for (const spot of letters.matchAll(pattern)) {
    const { index = 0 } = spot;
    made.push(text.slice(end, index), element('mark', {}, text.slice(index, index + spot[0].length)));
    end = index + spot[0].length;
  }
  return [...made, text.slice(end)];
}

/**
 * `text` without case and accents.
 *
 * @param {string} text
 */
function plain(text) {
  return text
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .normalize('NFC');
}

/**
 * The day of a timestamp, in UTC; an empty text if it is none.
 *
 * @param {string} text
 */
export function day(text) {
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? '' : DAY.format(moment);
}

/**
 * A revision as people read it: the beginning of a long one.
 *
 * @param {string} revision
 */
export function shortRevision(revision) {
  return /^[0-9a-f]{16,}$/i.test(revision) ? revision.slice(0, SHORT - 3) : revision.slice(0, SHORT * 2);
}

/**
 * A number of bytes: `382 MB`.
 *
 * @param {number} bytes
 */
export function size(bytes) {
  if (bytes < 1e6) return `${number(Math.max(1, Math.round(bytes / 1e3)))} kB`;
  return bytes < 1e9 ? `${number(Math.round(bytes / 1e5) / 10)} MB` : `${number(Math.round(bytes / 1e8) / 10)} GB`;
}

/**
 * The URL of a repository for browsers, at `revision` for hosts where that is known to work; `null` if there is none.
 *
 * @param {string} url
 * @param {string} revision
 */
export function repository(url, revision) {
  const address = webAddress(url.replace(/^git:\/\/(github\.com|gitlab\.com)\//, 'https://$1/'));
  if (!address || !revision) return address;
  const home = address.replace(/\/$/, '').replace(/\.git$/, '');
  const { hostname } = new URL(home);
  if (hostname === 'github.com') return `${home}/tree/${encodeURIComponent(revision)}`;
  if (hostname === 'gitlab.com') return `${home}/-/tree/${encodeURIComponent(revision)}`;
  return address;
}

/** @param {string} html */
function parsed(html) {
  // A document of its own: no script in it runs, and no image is loaded.
  return new DOMParser().parseFromString(html, 'text/html').body;
}

/**
 * The lines of a description, without its markup.
 *
 * @param {string} html
 */
export function plainLines(html) {
  const body = parsed(html);
  for (const one of body.querySelectorAll(IGNORED.join(','))) one.remove();
  return body.textContent || '';
}

/**
 * The text of a description in one line, without its markup.
 *
 * @param {string} html
 */
export function plainText(html) {
  return plainLines(html).replace(/\s+/g, ' ').trim();
}

/**
 * A description as elements: texts, tags that only format them, and links to the web.
 *
 * @param {string} html
 */
export function richText(html) {
  return [...parsed(html).childNodes].flatMap(copied);
}

/**
 * @param {Node} node
 * @returns {(string | Element)[]}
 */
function copied(node) {
  if (node.nodeType === Node.TEXT_NODE) return [node.textContent || ''];
  if (!(node instanceof Element) || IGNORED.includes(node.tagName.toLowerCase())) return [];
  const content = [...node.childNodes].flatMap(copied);
  if (!TAGS.has(node.tagName)) return content;
  if (node.tagName !== 'A') return [element(node.tagName, {}, ...content)];
  const href = linkTarget(node.getAttribute('href') || '');
  return href ? [element('a', { href, rel: 'noopener noreferrer' }, ...content)] : content;
}

/** @param {string} text */
function linkTarget(text) {
  return /^mailto:[^?\s]+$/i.test(text) ? text : webAddress(text);
}
