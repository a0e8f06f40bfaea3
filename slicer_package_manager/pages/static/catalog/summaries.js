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

/** Names of releases by revisions; empty if they cannot be loaded. */
export async function releaseNames() {
  const known = await allBuilds().catch(() => []);
  /** @type {Map<string, string>} */
  const names = new Map();
  for (const { revision, release } of known) if (release) names.set(revision, release);
  return names;
}
