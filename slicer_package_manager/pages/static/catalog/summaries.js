// @ts-check
// The builds of the application, requested once.

import { APP, get } from '../api.js';
import * as builds from './builds.js';

/** @type {Map<string, Promise<builds.Build[]>>} */
const requested = new Map();

/**
 * All builds with extensions, newest first.
 *
 * @param {string} fields of the summary that are needed
 */
export function allBuilds(fields = builds.FIELDS) {
  const known = requested.get(fields) || requested.get(builds.TO_CHOOSE);
  if (known) return known;
  const request = /** @type {Promise<Registry.Summary>} */ (get(`app/${APP}/summary`, { limit: 0, fields })).then(
    builds.fromSummary,
  );
  request.catch(() => requested.delete(fields));
  requested.set(fields, request);
  return request;
}

/** Names of releases by revisions; empty if they cannot be loaded. */
export async function releaseNames() {
  const known = await allBuilds().catch(() => []);
  /** @type {Map<string, string>} */
  const names = new Map();
  for (const { revision, release } of known) if (release) names.set(revision, release);
  return names;
}
