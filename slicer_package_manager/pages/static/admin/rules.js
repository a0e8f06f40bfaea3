// @ts-check
// Rules that select drafts to delete: pure functions.

/** @typedef {Record<string, number>} Rules `keep` (number of drafts) and `older_than_days`, at least one of them */

/**
 * The rules without fields that were left empty.
 *
 * @param {Record<string, number | null>} values
 * @returns {Rules}
 */
export const givenRules = (values) =>
  /** @type {Rules} */ (Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)));

/**
 * Whether the values are rules: whole numbers, none negative, and at least one.
 *
 * @param {Record<string, number | null>} values
 */
export const areRules = (values) => {
  const given = Object.values(givenRules(values));
  return given.length > 0 && given.every((value) => Number.isInteger(value) && value >= 0);
};
