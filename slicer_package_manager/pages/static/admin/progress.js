// @ts-check
// Progress of long requests, in the place where Girder shows progress.
//
// Where Girder's notification socket is open, the server sends the progress. `serve` has no such socket (`girder.js`);
// there the rest is requested every second and shown in the same way.

import { number } from '../texts.js';
import { girder } from './girder.js';

/** Pause between two requests for the rest, in milliseconds. */
const PAUSE = 1000;
let works = 0;

/** @typedef {{id: string, title: string, total: number, start: number, done: boolean}} Work */

function socketIsOpen() {
  const socket = girder.utilities.eventStream._websocket;
  return Boolean(socket && socket.readyState === WebSocket.OPEN);
}

/**
 * @param {Work} work
 * @param {'active' | 'success' | 'error'} state
 * @param {number} current
 * @param {string} message
 */
function show(work, state, current, message) {
  girder.utilities.eventStream.trigger('g:event.progress', {
    _id: work.id,
    type: 'progress',
    startTime: work.start,
    updatedTime: Date.now() / 1000,
    estimatedTotalTime: 0,
    data: { title: work.title, total: work.total, current, state, message },
  });
}

/**
 * @param {Work} work
 * @param {() => Promise<number>} remaining
 */
async function watch(work, remaining) {
  while (!work.done) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (work.done) return;
    // The folder may be deleted already; the request itself reports failures.
    const left = await remaining().catch(() => null);
    if (!work.done && left !== null) show(work, 'active', Math.max(work.total - left, 0), `${number(left)} left`);
  }
}

/**
 * Send a request that takes long, and show its progress.
 *
 * @template T
 * @param {object} options
 * @param {string} options.title
 * @param {number} [options.total] number of packages, drafts or the like; 0 if it is unknown
 * @param {() => Promise<number>} [options.remaining] how many of them are not done yet
 * @param {(more: {progress?: boolean}) => Promise<T>} options.request is given parameters to send as well
 */
export async function withProgress({ title, total = 0, remaining, request }) {
  if (socketIsOpen()) return request({ progress: true });
  works += 1;
  const work = { id: `spm-${works}`, title, total, start: Date.now() / 1000, done: false };
  show(work, 'active', 0, 'Working…');
  if (remaining) watch(work, remaining);
  try {
    const answer = await request({});
    work.done = true;
    show(work, 'success', total, 'Done');
    return answer;
  } catch (failure) {
    work.done = true;
    show(work, 'error', total, 'Failed');
    throw failure;
  }
}
