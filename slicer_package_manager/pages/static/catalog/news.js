// @ts-check
// Which extensions are new, or have changed lately, in any build. The server states it with the page.

import { element } from '../dom.js';
import { inlineData } from './inline.js';

/** @type {Record<string, string>} */
const WORDS = { new: 'New', changed: 'Changed' };
const known = inlineData()?.news || {};

/**
 * The word for an extension; `null` without news.
 *
 * @param {import('./selection.js').Extension} extension
 */
export function newsChip({ name }) {
  return known[name] ? element('span.chip.news', {}, WORDS[known[name]]) : null;
}
