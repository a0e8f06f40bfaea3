// @ts-check
// How well an extension is supported, in Slicer's words and on Slicer's scale: the higher the tier, the better.
// https://slicer.readthedocs.io/en/latest/developer_guide/extensions.html

const SCALE = [
  { tier: 5, name: 'Supported by Slicer core developers' },
  { tier: 3, name: 'Community-supported' },
  { tier: 1, name: 'Experimental' },
];
const LOWEST = SCALE[SCALE.length - 1];

/** Lowest tiers that the filter offers, each with its label, the best first. */
export const LEVELS = SCALE.slice(0, -1).map(({ tier, name }) => ({
  tier,
  name: tier === SCALE[0].tier ? name : `${name} or better`,
}));

/**
 * Slicer's words for a tier; `null` for an unknown tier.
 *
 * Slicer has words for 1, 3 and 5. A tier between two of them promises what the lower one does, not more.
 *
 * @param {number | null} tier
 */
export function tierName(tier) {
  return tier === null ? null : (SCALE.find((one) => tier >= one.tier) || LOWEST).name;
}

/**
 * Filter by tier. An unknown tier is below all others.
 *
 * @template {{tier: number | null}} T
 * @param {T[]} extensions
 * @param {number | null} least lowest tier to keep; `null` keeps all extensions
 */
export function atLeast(extensions, least) {
  return least === null ? extensions : extensions.filter(({ tier }) => tier !== null && tier >= least);
}

/**
 * Compare extensions for sorting, the better supported first.
 *
 * @param {{tier: number | null}} one
 * @param {{tier: number | null}} other
 */
export function byTier(one, other) {
  const rank = (/** @type {{tier: number | null}} */ { tier }) => (tier === null ? -Infinity : tier);
  return rank(one) === rank(other) ? 0 : rank(other) - rank(one);
}
