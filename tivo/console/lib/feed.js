/** @import { Event, Frame } from './protocol.js' */

/**
 * The events of a player for `for await`. A frame counts as taken when its last event has been handed out,
 * so a slow reader holds credit back and the gateway waits for it.
 * @implements {AsyncIterableIterator<Event>}
 */
export class Feed {
  /** Frames wholly or partly here still. @type {{n: number, socket: number, events: Event[]}[]} */
  #frames = [];
  #at = 0;
  /** Events that wait here. */
  size = 0;
  #ended = false;
  /** @type {unknown} */
  #error;
  /** Readers that wait for something new. @type {((_?: unknown) => void)[]} */
  #waiting = [];
  /** @type {() => void} */
  #taken;

  /** @param {() => void} taken  called when a frame has been taken */
  constructor(taken) {
    this.#taken = taken;
  }

  /** Whether there is nothing more to take, ever. */
  get done() {
    return this.#ended && !this.#frames.length;
  }

  /** The number of the first frame of a socket that is not taken yet. @param {number} socket */
  pending(socket) {
    return this.#frames.find((frame) => frame.socket === socket)?.n ?? Infinity;
  }

  /** @param {Frame} frame @param {number} socket */
  push({ n, events }, socket) {
    if (this.#ended || !events.length) return;
    this.#frames.push({ n, socket, events });
    this.size += events.length;
    this.#wake();
  }

  /** No more comes: the reader is done when it has taken what is here. @param {unknown} [error]  thrown to it then */
  end(error) {
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  /** @returns {Promise<IteratorResult<Event>>} */
  async next() {
    while (!this.#frames.length && !this.#ended) await new Promise((resolve) => this.#waiting.push(resolve));
    const frame = this.#frames[0];
    if (!frame) {
      const error = this.#error;
      this.#error = undefined;
      if (error) throw error;
      return { done: true, value: undefined };
    }
    const value = /** @type {Event} */ (frame.events[this.#at++]);
    this.size -= 1;
    if (this.#at === frame.events.length) {
      this.#frames.shift();
      this.#at = 0;
      this.#taken();
    }
    return { done: false, value };
  }

  /** @returns {Promise<IteratorResult<Event>>} */
  async return() {
    this.#frames = [];
    this.#at = this.size = 0;
    this.end();
    this.#taken();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  #wake() {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
