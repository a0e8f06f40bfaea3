// @ts-check
// Requests while the user types: pure functions but for the timer.

/**
 * A function that sends a request for the latest value, `milliseconds` after the last call.
 *
 * Answers to earlier values are dropped.
 *
 * @template V, A
 * @param {(value: V) => Promise<A>} request
 * @param {{answered: (answer: A) => void, failed: (failure: unknown) => void}} listeners
 * @param {number} milliseconds
 * @returns {(value: V) => void}
 */
export function debounced(request, { answered, failed }, milliseconds) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let latest = {};
  return (value) => {
    const turn = {};
    latest = turn;
    clearTimeout(timer);
    timer = setTimeout(() => {
      request(value).then(
        (answer) => latest === turn && answered(answer),
        (failure) => latest === turn && failed(failure),
      );
    }, milliseconds);
  };
}
