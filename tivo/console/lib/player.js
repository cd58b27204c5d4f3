import { Feed } from './feed.js';
import { TivoError, isFinal, subProtocols } from './protocol.js';
import { Session } from './session.js';

/** @import { Controls, Event, Notice, State, Time } from './protocol.js' */
/** @import { Transport, World } from './transport.js' */

/**
 * @typedef {object} PlayerOptions  Beside these any control of the protocol.
 * @property {string | string[]} [topics]  names and globs, merged under one clock
 * @property {boolean} [autoplay]
 */

const ACK_FRAMES = 64;
const ACK_MS = 250;
const FEED_LIMIT = 16_384;
const SILENT_MS = 10_000;
const closed = () => new TivoError('the player is closed', { code: 'closed' });

/**
 * Plays a window of topics, modelled on HTMLMediaElement: `currentTime` is in seconds (since 1970 UTC), `playbackRate`
 * any positive number. Connects by itself, and after a lost connection goes on right behind the last event received.
 *
 * Dispatches every notice of the protocol under its own name (`events`, `clock`, `reset`, `gap`, `loop`, `skip`, `image`,
 * `caught_up`, …), each event once more as `event`, and the names of media: `play` `playing` `pause` `waiting` `seeking`
 * `seeked` `ratechange` `durationchange` `timeupdate` `ended`; further `live`, `statechange`, `connection`, `error`, `closed`.
 * The `detail` of each is the notice, the state or the error.
 * @implements {AsyncIterable<Event>}
 */
export class Player extends EventTarget {
  /** @type {'connecting' | 'open' | 'waiting' | 'idle' | 'closed'} */
  connection = 'connecting';
  /** Names and globs. @type {Set<string>} */
  topics;

  /** @type {World} */
  #world;
  /** @type {{base: string | URL, token?: string | undefined}} */
  #gateway;
  #session = new Session();
  /** Commands that are not answered yet, by their id, in order. @type {Record<string, {command: Record<string, any>, told: number, resolve: (result: any) => void, reject: (error: Error) => void}>} */
  #asked = {};
  #asks = 0;
  /** The socket that counts; none while it waits for another. @type {Transport | undefined} */
  #transport;
  #attempt = 0;
  #retry_ms = 0;
  #heard_ms = 0;
  /** Frames that came, on all sockets. */
  #received = 0;
  /** Of these, how many came on former sockets, and for how many credit was returned. */
  #former = 0;
  #acked = 0;
  /** @type {Feed[]} */
  #feeds = [];
  #singly = false;
  /** Cancels what time brings: credit while it is open, an attempt while it waits. @type {(() => void) | undefined} */
  #cancel;
  #unwatch;

  /**
   * @param {PlayerOptions & Controls} options
   * @param {{base: string | URL, token?: string | undefined}} gateway
   * @param {World} world
   */
  constructor({ topics = [], autoplay, ...controls } = {}, gateway, world) {
    super();
    this.topics = new Set([topics].flat());
    this.#gateway = gateway;
    this.#world = world;
    this.#unwatch = world.onWake(() => {
      const silent = this.connection === 'open' && world.steady() - this.#heard_ms > SILENT_MS;
      if (silent || (this.connection === 'waiting' && this.#cancel)) this.#connect();
    });
    this.#quietly(this.command(autoplay ? 'play' : 'set', { max_rate: 1000, ...controls }));
    this.#connect();
  }

  /** Runs, from where it stands or by new controls; at the end it starts again. @param {Controls} [controls] */
  play(controls) {
    return this.command('play', controls);
  }

  pause() {
    return this.command('pause');
  }

  /** Goes to the live edge and follows it. @param {Pick<Controls, 'delay_ms'>} [controls] */
  tail(controls) {
    return this.command('tail', controls);
  }

  /** Moves to a time, or relative to the position (`+10s`, `-1m`). @param {Time} pos */
  seek(pos) {
    this.#tell(pos, 'seeking');
    return this.command('seek', { pos });
  }

  /** While paused: so many events (or instants, by `batch`) on or back. @param {number} [n] @param {'event' | 'batch'} [by] */
  step(n = 1, by = 'event') {
    return this.command('step', { n, by });
  }

  /** Changes controls without changing whether it runs. @param {Controls} controls */
  set(controls) {
    return this.command('set', controls);
  }

  /** @param {string[]} topics  names or globs */
  subscribe(...topics) {
    return this.command('subscribe', { topics });
  }

  /** @param {string[]} topics  as they were subscribed */
  unsubscribe(...topics) {
    return this.command('unsubscribe', { topics });
  }

  /**
   * Any command of the protocol (`overview`, `mark`, `stop` …). Gives its result, or else the state it led to; throws TivoError where it is refused.
   * While the connection is away it waits, and goes out in order once the place is found again; one whose answer was
   * lost with the connection goes out once more.
   * @param {string} action
   * @param {Record<string, any>} [fields]
   * @returns {Promise<any>}
   */
  command(action, fields) {
    const id = String(++this.#asks);
    const command = { action, id, ...fields };
    return new Promise((resolve, reject) => {
      if (this.connection === 'closed') return reject(closed());
      this.#asked[id] = { command, told: this.#session.told, resolve, reject };
      if (this.connection === 'open') this.#send(command);
      else if (this.connection === 'idle') this.#connect();
    });
  }

  /**
   * Hears an event, gets its detail. Gives the function that stops it.
   * @param {string} type
   * @param {(detail: any) => void} act
   */
  on(type, act) {
    const hear = (/** @type {any} */ event) => act(event.detail);
    this.addEventListener(type, hear);
    return () => this.removeEventListener(type, hear);
  }

  /** @override @type {EventTarget['addEventListener']} */
  addEventListener(type, act, options) {
    this.#singly ||= type === 'event';
    super.addEventListener(type, act, options);
  }

  /** Events one by one, until the window has ended. A slow reader makes the gateway wait; nothing is lost. */
  [Symbol.asyncIterator]() {
    const feed = new Feed(() => this.#credit());
    this.#feeds.push(feed);
    if (this.connection === 'closed') feed.end();
    return feed;
  }

  /** Lets go of the connection, for good. */
  close() {
    this.#finish();
  }

  /** @returns {Readonly<State>} */
  get state() {
    return this.#session.state;
  }

  /** Event time now showing, in microseconds; runs smoothly between the gateway's notices. */
  get position_us() {
    const { start_us, end_us } = this.state;
    const position_us = Math.round(this.#session.clock.position(this.#world.steady()));
    return Math.max(start_us ?? -Infinity, Math.min(end_us ?? Infinity, position_us));
  }

  /** The gateway's wall clock, in microseconds: an event is due when this reaches its `due_us`. */
  get wall_us() {
    return this.#session.clock.wall(this.#world.steady());
  }

  get currentTime() {
    return this.position_us / 1e6;
  }

  set currentTime(seconds) {
    this.#quietly(this.seek(seconds));
  }

  get currentDate() {
    return new Date(this.position_us / 1000);
  }

  get playbackRate() {
    const { speed } = this.state;
    return typeof speed === 'number' ? speed : Infinity;
  }

  set playbackRate(speed) {
    this.#quietly(this.set({ speed: speed === Infinity ? 'unlimited' : speed }));
  }

  get loop() {
    return Boolean(this.state.loop);
  }

  set loop(loop) {
    this.#quietly(this.set({ loop }));
  }

  get paused() {
    return this.#session.halted;
  }

  /** Whether a seek is on its way. */
  get seeking() {
    return Object.values(this.#asked).some(({ command }) => command.action === 'seek');
  }

  get ended() {
    return this.state.status === 'ended';
  }

  get live() {
    return this.state.status === 'tailing';
  }

  /** Seconds behind the live edge. */
  get lag() {
    return this.#session.lag_ms / 1000;
  }

  /** Seconds of the window; Infinity where it is unbounded. */
  get duration() {
    const { start_us, end_us } = this.state;
    return ((end_us ?? Infinity) - (start_us ?? -Infinity)) / 1e6;
  }

  #connect() {
    this.#drop();
    const { base, token } = this.#gateway;
    const { href } = new URL(`ws?topics=${[...this.topics].map(encodeURIComponent)}`, base);
    const mine = () => transport === this.#transport;
    const transport = this.#world.connect(href.replace(/^http/, 'ws'), subProtocols(token), {
      onopen: () => mine() && this.#opened(),
      onmessage: ({ data }) => mine() && this.#message(JSON.parse(data)),
      onclose: (close) => mine() && this.#closed(close),
    });
    this.#transport = transport;
    this.#become('connecting');
  }

  #opened() {
    this.#heard_ms = this.#world.steady();
    for (const command of this.#session.resume()) this.#send(command);
    for (const { command } of Object.values(this.#asked)) this.#send(command);
    this.#become('open');
  }

  /** @param {Record<string, any>} command */
  #send(command) {
    this.#transport?.send(JSON.stringify(command));
  }

  /** @param {Notice} notice */
  #message(notice) {
    this.#heard_ms = this.#world.steady();
    if (notice.type !== 'bye') this.#retry_ms = notice.retry_ms ?? 0;
    if (notice.type === 'error') return this.#failed(notice);
    if (notice.type === 'ack') return this.#answered(notice);
    if (notice.type === 'events') this.#received += 1;
    this.#tell(...this.#session.receive(notice, this.#heard_ms));
    this.#credit();
  }

  /** @param {Notice} ack */
  #answered({ id, result, state }) {
    this.#attempt = 0;
    if (id === 'resume') this.#session.refused = 0;
    const asked = this.#asked[id];
    if (!asked) return;
    delete this.#asked[id];
    const { action, id: _, topics = [], ...controls } = asked.command;
    if (action === 'play' || action === 'set') this.#session.keep(controls);
    for (const topic of topics) this.topics[action === 'subscribe' ? 'add' : 'delete'](topic);
    // An answer may wait behind that of an earlier question: a state told meanwhile is newer.
    if (state && asked.told === this.#session.told) this.#tell(...this.#session.become(state, this.#heard_ms));
    asked.resolve(result ?? state);
  }

  /** @param {Notice} notice */
  #failed({ id, code, field, message, fatal, retry_ms }) {
    const error = new TivoError(message, { code, field, retryable: retry_ms > 0 });
    const refused = id === 'resume' ? ++this.#session.refused : 0;
    if (fatal || refused > 2) return this.#finish(error);
    // What was asked behind it waits for the place to be found, on another socket.
    if (refused) this.#connect();
    const asked = this.#asked[id];
    delete this.#asked[id];
    asked ? asked.reject(error) : this.#tell(error, 'error');
  }

  /** @param {any} detail @param {import('./session.js').Names} types */
  #tell(detail, ...types) {
    for (const type of types) {
      if (type) this.dispatchEvent(new CustomEvent(type, { detail }));
      if (type === 'events') {
        if (this.#singly) for (const event of detail.events) this.#tell(event, 'event');
        for (const feed of this.#feeds) feed.push(detail, this.#received);
      }
      if (type === 'ended') for (const feed of this.#feeds) feed.end();
    }
  }

  /** Returns credit for the frames taken: at once for 64 of them, within 250 ms for fewer. */
  #credit(least = ACK_FRAMES) {
    this.#feeds = this.#feeds.filter(({ done }) => !done);
    const fullest = Math.max(0, ...this.#feeds.map(({ size }) => size));
    // A reader fell so far behind that memory would grow: drop the socket, and resume when there is room.
    if (fullest > FEED_LIMIT) {
      this.#drop();
      return this.#become('waiting');
    }
    if (this.connection === 'waiting' && !this.#cancel) return fullest < FEED_LIMIT / 2 && this.#connect();
    const taken = Math.min(this.#received, ...this.#feeds.map(({ pending }) => pending - 1));
    const owed = taken - this.#acked;
    if (owed >= least) {
      this.#acked = taken;
      this.#send({ action: 'ack', n: taken - this.#former });
    } else if (owed > 0) {
      this.#cancel ??= this.#world.later(() => {
        this.#cancel = undefined;
        this.#credit(1);
      }, ACK_MS);
    }
  }

  /** Lets go of the socket, and of what was to come on it or after it. */
  #drop() {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#former = this.#acked = this.#received;
    this.#transport?.close(1000);
    this.#transport = undefined;
  }

  /** @param {{code: number, reason: string}} close */
  #closed({ code, reason }) {
    this.#drop();
    if (code === 1000) return this.#finish();
    if (isFinal(code, reason)) return this.#finish(new TivoError(reason || `closed with ${code}`, { code }));
    // Closed as idle: another socket is opened once somebody wants something.
    if (code === 4408 && !Object.values(this.#asked).length) return this.#become('idle');
    // Half of it at random, so that many viewers of a gateway that restarts do not come back at one instant.
    const most_ms = Math.min(250 * 2 ** this.#attempt++, 10_000);
    const delay_ms = Math.max(most_ms * (1 - this.#world.random() / 2), this.#retry_ms);
    this.#retry_ms = 0;
    this.#cancel = this.#world.later(() => this.#connect(), delay_ms);
    this.#become('waiting');
  }

  /** @param {TivoError} [error]  why, where it was not wanted */
  #finish(error) {
    if (this.connection === 'closed') return;
    this.#become('closed');
    this.#unwatch();
    this.#drop();
    for (const { reject } of Object.values(this.#asked)) reject(error ?? closed());
    this.#asked = {};
    for (const feed of this.#feeds) feed.end(error);
    this.#feeds = [];
    this.#tell(error, error && 'error', 'closed');
  }

  /** @param {Player['connection']} connection */
  #become(connection) {
    this.connection = connection;
    this.#tell(connection, 'connection');
  }

  /** An assignment cannot be awaited: what goes wrong is told by `error`. @param {Promise<unknown>} answer */
  #quietly(answer) {
    answer.catch((error) => this.connection !== 'closed' && this.#tell(error, 'error'));
  }
}
