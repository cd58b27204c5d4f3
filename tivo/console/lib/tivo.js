/**
 * tivo in the browser and in Node: plays any window of an event stream, and goes on into the live events.
 *
 *     import { Tivo } from '/lib/tivo.js';
 *     const player = new Tivo().player({ topics: 'quakes', start: '-24h', fit: 60, autoplay: true });
 *     player.on('event', ({ time_us, key, value }) => draw(key, value));
 */
import { Player } from './player.js';
import { realWorld, webSockets } from './transport.js';

export { PlaybackClock } from './clock.js';
export { Player } from './player.js';
export { PROTOCOL, TivoError } from './protocol.js';

/** @import { PlayerOptions } from './player.js' */
/** @typedef {import('./protocol.js').Controls} Controls */
/** @typedef {import('./protocol.js').Event} Event */
/** @typedef {import('./protocol.js').Frame} Frame */
/** @typedef {import('./protocol.js').State} State */
/** @typedef {import('./protocol.js').Time} Time */
/** @import { World } from './transport.js' */
/** @typedef {{name: string, partitions: number, events: number, rate: number, first_us: number | null, last_us: number | null}} Topic */
/** @typedef {{start_us: number, width_us: number, counts: number[], complete_to_us: number | null}} Overview */
/** @typedef {{key?: any, value?: any, headers?: Record<string, string>, time?: Time, partition?: number}} NewRecord */

/** A gateway: its topics, and players of them. */
export class Tivo {
  #gateway;
  #world;

  /**
   * @param {string | URL} [base]  where the gateway is; by default the one that served this file
   * @param {{token?: string, WebSocket?: any} & Partial<World>} [options]  `WebSocket` for runtimes that have none
   */
  constructor(base = new URL(/* @vite-ignore */ '..', import.meta.url), { token, ...world } = {}) {
    this.#gateway = { base, token };
    this.#world = world;
  }

  /** A player of some topics, paused at their beginning unless `autoplay`. @param {PlayerOptions & Controls} [options] */
  player(options) {
    const connect = webSockets(this.#world.WebSocket);
    return new Player(options, this.#gateway, { ...realWorld, connect, ...this.#world });
  }

  /** @returns {Promise<Topic[]>} */
  async topics() {
    return (await this.#ask([])).topics;
  }

  /** @param {string} name @param {{partitions?: number, settings?: Record<string, string>}} [options] @returns {Promise<Topic>} */
  createTopic(name, options) {
    return this.#ask([], {}, { name, ...options });
  }

  /** Counts per bucket of a window. @param {string} topic @param {{start: Time, end: Time, buckets?: number}} window @returns {Promise<Overview>} */
  overview(topic, window) {
    return this.#ask([topic, 'overview'], window);
  }

  /** One page of events. @param {string} topic @param {Record<string, any>} [window] @returns {Promise<Event[]>} */
  async records(topic, window) {
    return (await this.#ask([topic, 'records'], window)).events;
  }

  /** @param {string} topic @param {NewRecord | NewRecord[]} records */
  produce(topic, records) {
    return this.#ask([topic, 'records'], {}, { records: [records].flat() });
  }

  /** A page that only plays never loads this. @param {[path: string[], query?: Record<string, any>, body?: object]} request */
  async #ask(...request) {
    return (await import('./http.js')).ask(this.#gateway, ...request);
  }
}
