// How well an extension is supported, in Slicer's words and on Slicer's scale: the higher the tier, the better.
// https://slicer.readthedocs.io/en/latest/developer_guide/extensions.html

const SCALE = [
  { tier: 5, name: 'Supported by Slicer core developers' },
  { tier: 3, name: 'Community-supported' },
  { tier: 1, name: 'Experimental' },
];
const LOWEST = SCALE[SCALE.length - 1];

/** The least tiers that can be asked for, each with the words for it, the best first. */
export const LEVELS = SCALE.slice(0, -1).map(({ tier, name }) => ({
  tier, name: tier === SCALE[0].tier ? name : `${name} or better` }));

/**
 * Slicer's words for a tier; `null` where the registry knows none.
 *
 * Slicer has words for 1, 3 and 5. A tier between two of them promises what the lower one does, not more.
 */
export function tierName(tier) {
  return tier === null ? null : (SCALE.find((one) => tier >= one.tier) || LOWEST).name;
}

/** Those of `extensions` whose tier is at least `least`; all where that is `null`. An unknown tier is below all others. */
export function atLeast(extensions, least) {
  return least === null ? extensions : extensions.filter(({ tier }) => tier !== null && tier >= least);
}

/** Compares extensions, the better supported first. */
export function byTier(one, other) {
  const rank = ({ tier }) => (tier === null ? -Infinity : tier);
  return rank(one) === rank(other) ? 0 : rank(other) - rank(one);
}
