/** @import { Event, Frame } from './protocol.js' */

/**
 * The events of a player for `for await`. A frame counts as taken when its last event has been handed out,
 * so a slow reader holds credit back and the gateway waits for it.
 * @implements {AsyncIterableIterator<Event>}
 */
export class Feed {
  /** Events that wait here, each with the number of its frame; behind them the error that ended it. @type {{event?: Event, n?: number, error?: unknown}[]} */
  #line = [];
  #ended = false;
  /** Readers that wait for something new. @type {((_?: unknown) => void)[]} */
  #waiting = [];
  /** @type {() => void} */
  #taken;

  /** @param {() => void} taken  called when a frame has been taken */
  constructor(taken) {
    this.#taken = taken;
  }

  /** Events that wait here. */
  get size() {
    return this.#line.length;
  }

  /** Whether there is nothing more to take, ever. */
  get done() {
    return this.#ended && !this.size;
  }

  /** The number of the first frame that is not taken yet. */
  get pending() {
    return this.#line[0]?.n ?? Infinity;
  }

  /** @param {Frame} frame @param {number} n  its number among all frames of the player */
  push({ events }, n) {
    if (!this.#ended) this.#line.push(...events.map((event) => ({ event, n })));
    this.#wake();
  }

  /** No more comes: the reader is done when it has taken what is here. @param {unknown} [error]  thrown to it then */
  end(error) {
    this.#ended = true;
    if (error) this.#line.push({ error });
    this.#wake();
  }

  /** @returns {Promise<IteratorResult<Event>>} */
  async next() {
    while (!this.size && !this.#ended) await new Promise((resolve) => this.#waiting.push(resolve));
    const next = this.#line.shift();
    if (!next) return { done: true, value: undefined };
    if (next.error) throw next.error;
    if (next.n !== this.#line[0]?.n) this.#taken();
    return { done: false, value: /** @type {Event} */ (next.event) };
  }

  return() {
    this.#line = [];
    this.end();
    this.#taken();
    return this.next();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  #wake() {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
