const SETTLE_MS = 1000;

/**
 * Event time as a line over steady time, smooth enough to draw by.
 *
 * The gateway tells a few times a second where it stands; in between the clock runs on by itself.
 * A small difference is worn off within a second, so that time neither jumps nor runs backwards;
 * a large one is a move and is taken at once.
 */
export class PlaybackClock {
  /** Event seconds per second of steady time; 0 while it holds. */
  speed = 0;
  #event_us = 0;
  #steady_ms = 0;
  #error_us = 0;
  /** The gateway's wall time less our steady time. */
  #offset_us = 0;

  /**
   * The gateway's wall clock, in microseconds: what `due_us` of an event is to be held against.
   * @param {number} steady_ms
   */
  wall(steady_ms) {
    return steady_ms * 1000 + this.#offset_us;
  }

  /**
   * Event time now showing, in microseconds.
   * @param {number} steady_ms
   */
  position(steady_ms) {
    const elapsed_ms = steady_ms - this.#steady_ms;
    const error_us = this.#error_us * Math.max(0, 1 - elapsed_ms / SETTLE_MS);
    return this.#event_us + elapsed_ms * 1000 * this.speed + error_us;
  }

  /**
   * Learns the gateway's wall clock from a notice. Of many the one that came fastest tells best, so a larger
   * offset is taken at once and a smaller one only by and by; a second off means that a clock was set anew.
   * @param {number} wall_us
   * @param {number} steady_ms
   */
  hear(wall_us, steady_ms) {
    const change_us = wall_us - this.wall(steady_ms);
    this.#offset_us += change_us < 0 && change_us > -1e6 ? change_us / 64 : change_us;
  }

  /**
   * A new anchor: `pos_us` was showing at `wall_us`.
   * @param {{pos_us: number, wall_us?: number | undefined, speed: number}} anchor
   * @param {number} steady_ms
   * @param {boolean} [moved]  the position was moved on purpose: nothing to wear off
   */
  anchor({ pos_us, wall_us, speed }, steady_ms, moved) {
    const now_us = this.wall(steady_ms);
    const event_us = pos_us + Math.max(0, now_us - (wall_us ?? now_us)) * speed;
    const error_us = moved || !this.speed ? 0 : this.position(steady_ms) - event_us;
    this.#error_us = Math.abs(error_us) < (speed * SETTLE_MS * 1000) / 2 ? error_us : 0;
    this.#event_us = event_us;
    this.#steady_ms = steady_ms;
    this.speed = speed;
  }
}
