// @ts-check
// Numbers in the row of a release or draft: pure functions.

import { counted } from '../texts.js';

/** @type {Record<string, {name: string, icon: string}>} */
export const LABELS = {
  linux: { name: 'Linux', icon: 'linux' },
  win: { name: 'Windows', icon: 'windows' },
  macosx: { name: 'macOS', icon: 'apple' },
};
const ARCHITECTURES = ['amd64', 'arm64', 'i386'];

/**
 * The number for one system.
 *
 * @param {Registry.BySystem<number>} counts
 * @param {Registry.System} system
 */
export const numberFor = (counts, { os, arch }) => counts?.[os]?.[arch] || 0;

/**
 * @param {Registry.BySystem<number>} counts
 * @returns {number}
 */
const sum = (counts) =>
  Object.values(counts || {})
    .flatMap((byArch) => Object.values(byArch))
    .reduce((total, one) => total + one, 0);

/**
 * How many packages and extensions a release or draft has together.
 *
 * @param {Registry.Row} row
 */
export const packageCount = (row) => sum(row.packages) + sum(row.extensions);

/**
 * `1 package, 2 extensions`
 *
 * @param {number} packages
 * @param {number} extensions
 */
export const contents = (packages, extensions) =>
  `${counted(packages, 'package')}, ${counted(extensions, 'extension')}`;

/**
 * `1 package and 2 extensions`
 *
 * @param {Registry.Row} row
 */
export const rowContents = (row) =>
  `${counted(sum(row.packages), 'package')} and ${counted(sum(row.extensions), 'extension')}`;

/**
 * The systems for which `rows` have packages or extensions, in a fixed order.
 *
 * @param {Registry.Row[]} rows
 * @returns {Registry.System[]}
 */
export const systemsOf = (rows) =>
  Object.keys(LABELS)
    .flatMap((os) => ARCHITECTURES.map((arch) => ({ os, arch })))
    .filter((system) => rows.some((row) => numberFor(row.packages, system) || numberFor(row.extensions, system)));

/** @param {Registry.System} system */
export const labelOf = ({ os, arch }) => `${LABELS[os].name} ${arch}`;
