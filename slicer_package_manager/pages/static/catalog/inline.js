// @ts-check
// What the server has put into the page: the list, or the extension, that the page shows at first.

/**
 * @typedef {object} Inline
 * @property {{revision: string, os: string, arch: string}} place the build that is shown
 * @property {Registry.Item[]} items
 * @property {Record<string, string>} [news] `new` or `changed`, by the names of extensions
 * @property {string} [q] the search of the page
 * @property {string[]} [found] ids of what it finds, the best match first
 * @property {string} [suggestion] the search that was probably meant
 * @property {string[]} [architectures] those that the build has extensions for, on this system
 * @property {string} [extension] name of the extension that is shown alone
 */

/**
 * Read the data block of a page.
 *
 * @param {Document} page
 * @returns {Inline | null} `null` if there is none
 */
export function inlineData(page = document) {
  const block = page.getElementById('data');
  return block ? JSON.parse(block.textContent || 'null') : null;
}
