/**
 * The playback protocol `tivo.v1` as values: what is said on the socket, and what a close of it means.
 * Times are integer microseconds since 1970 UTC (suffix `_us`), exact in a JavaScript number until the year 2255.
 */

/**
 * @typedef {object} Event  A record as tivo keeps it.
 * @property {string} topic
 * @property {number} partition
 * @property {number} offset
 * @property {number} time_us  when it happened
 * @property {number} received_us  when tivo first took it
 * @property {string} id
 * @property {any} key
 * @property {any} value
 * @property {Record<string, any>} [headers]
 * @property {number} [due_us]  wall time at which it is due, where it differs from its frame's
 * @property {boolean} [late]  it came in after its place in the order had been played
 * @property {boolean} [early]  it is dated later than the wall clock
 */

/**
 * @typedef {object} Frame  Events that fall due together (the notice `events`).
 * @property {'events'} type
 * @property {number} epoch
 * @property {number} n  1 for the first frame on a socket, then one more each
 * @property {number} due_us
 * @property {number} [late_us]
 * @property {number} [iteration]
 * @property {boolean} [live]
 * @property {number} [thinned]  events left out to keep to `max_rate`
 * @property {string} [cursor]
 * @property {Event[]} events
 */

/**
 * @typedef {object} Image  With the control `image`, behind each `reset`: the last event of every key at the position.
 * @property {'image'} type
 * @property {number} epoch
 * @property {number | null} pos_us
 * @property {Event[]} events  null is the value of a key that was deleted; a key in no part has none yet
 * @property {number} part  1 for the first one
 * @property {boolean} last
 */

/**
 * @typedef {object} State
 * @property {'paused' | 'playing' | 'tailing' | 'buffering' | 'ended'} status
 * @property {number | null} start_us  null where the window is unbounded
 * @property {number | null} end_us
 * @property {number | null} pos_us  null where there is no event yet
 * @property {number | 'unlimited' | null} speed  null where events are evenly spaced (`rate`)
 * @property {number} [fit]  where this is the pacing: the window in so many seconds
 * @property {number} [rate]  where this is the pacing: events per second
 * @property {any} loop
 * @property {number} iteration
 * @property {number} epoch
 * @property {string} [cursor]
 * @property {string} [cause]
 * @property {number} [wall_us]
 */

/**
 * @typedef {string | number | Date} Time  RFC 3339, an offset such as `-3d`, a number since 1970 or a Date.
 */

/**
 * @typedef {object} Controls  Section 3 of the protocol; of `speed`, `fit` and `rate` exactly one counts.
 * @property {Time} [start]
 * @property {Time} [end]
 * @property {Time} [pos]
 * @property {number | 'unlimited'} [speed]
 * @property {number | string} [fit]  the whole window in so many seconds
 * @property {number} [rate]  events per second, evenly spaced
 * @property {number} [max_gap]
 * @property {number} [min_gap]
 * @property {number} [max_rate]
 * @property {boolean | number | {count?: number, mode?: 'restart' | 'pingpong', gap_ms?: number}} [loop]
 * @property {'pause' | 'tail' | 'close'} [end_action]
 * @property {boolean} [image]
 * @property {{key?: string | string[], where?: string}} [filter]
 * @property {{max_speed: number}} [catch_up]
 * @property {'stretch' | 'drop' | 'close'} [on_slow]
 * @property {'exact' | 'coalesce'} [frames]
 * @property {number} [clock_hz]
 * @property {number} [delay_ms]
 */

/** @typedef {{type: string, [field: string]: any}} Notice  Anything that the gateway says. */

export const PROTOCOL = 'tivo.v1.json';

/** What went wrong: `code` is stable (see the protocol and the HTTP API), `retryable` says whether trying again may help. */
export class TivoError extends Error {
  name = 'TivoError';
  /** @type {string | number} */
  code = '';
  retryable = false;
  /** What it is about, where the gateway names it. @type {string | undefined} */
  field;
  /** The HTTP status, where there was one. @type {number | undefined} */
  status;

  /**
   * @param {string} message
   * @param {{code: string | number, retryable?: boolean, field?: string, status?: number}} facts
   */
  constructor(message, facts) {
    super(message);
    Object.assign(this, facts);
  }
}

/**
 * Whether a close of the socket is a refusal for good. Others are mended by `resume`, but for 1000: that is the end.
 * @param {number} code
 * @param {string} reason
 */
export function isFinal(code, reason) {
  return code === 1009 || (code >= 4400 && code !== 4408) || (code === 1008 && !reason.startsWith('slow'));
}

/**
 * Sub-protocols to offer. A browser's socket cannot carry a header, so the token travels here; it is never echoed.
 * @param {string} [token]
 */
export function subProtocols(token) {
  if (!token) return [PROTOCOL];
  const base64url = btoa(token).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return [PROTOCOL, `tivo.bearer.${base64url}`];
}
