// @ts-check
// The builds of the application, requested once.

import { APP, get } from '../api.js';
import * as builds from './builds.js';

/** @type {Promise<builds.Build[]> | null} */
let requested = null;

/** All builds with extensions, newest first. */
export function allBuilds() {
  if (requested) return requested;
  const request = /** @type {Promise<Registry.Summary>} */ (
    get(`app/${APP}/summary`, { limit: 0, fields: builds.FIELDS })
  ).then(builds.fromSummary);
  request.catch(() => {
    requested = null;
  });
  requested = request;
  return request;
}

/**
 * The name of the build with a revision; just this, if the builds cannot be loaded.
 *
 * @param {string} revision
 */
export async function nameOf(revision) {
  const known = await allBuilds().catch(() => []);
  return builds.buildName(known.find((one) => one.revision === revision) || { revision });
}
