import { PlaybackClock } from './clock.js';

/** @import { Controls, Event, Frame, Notice, State } from './protocol.js' */
/** @typedef {(string | false | undefined)[]} Names  of events to dispatch in turn; false is none */
/** @typedef {[detail: any, ...types: Names]} Happening  What happened, and the events that tell it. */

const REMEMBERED_PLACES = 8192;

/** What a media element calls a status, or a notice, where it has another word. @type {Record<string, string>} */
const MEDIA = { paused: 'pause', tailing: 'live', buffering: 'waiting', clock: 'timeupdate', seek: 'seeked' };

/** @param {Event} event */
const place = ({ topic, partition, offset }) => `${partition}/${offset}/${topic}`;

/** @param {number | null} time_us */
const seconds = (time_us) => time_us && time_us / 1e6;

/**
 * One playback as the viewer sees it: takes notices, answers what happened, and knows at any time how to go on
 * after a lost connection. Reads no clock and touches no socket.
 */
export class Session {
  /** @type {State} */
  state = {
    status: 'paused',
    start_us: null,
    end_us: null,
    pos_us: 0,
    speed: 1,
    loop: false,
    iteration: 0,
    epoch: -1,
  };
  clock = new PlaybackClock();
  lag_ms = 0;
  /** How often the gateway told the state. */
  told = 0;
  /** How often in turn the gateway refused to go on. */
  refused = 0;

  /** Controls that hold beside those of the state. @type {Controls} */
  #controls = {};
  /** @type {string | undefined} */
  #cursor;
  /** @type {Pick<Event, 'time_us' | 'topic' | 'partition' | 'offset'> | undefined} */
  #after;
  /** @type {Record<string, Record<string, number>>} */
  #offsets = {};
  /** Places of events that came since the cursor: what may come again after `resume`. @type {Set<string>} */
  #seen = new Set();
  #resumed = false;

  /** Whether it holds until somebody says play. */
  get halted() {
    return this.state.status === 'paused' || this.state.status === 'ended';
  }

  /**
   * Remembers controls that the gateway took, so that they hold after a reconnect too. Window and position are in the
   * cursor, pacing and loop in the state: whoever changes them, going live gives up what needs an end.
   * @param {Controls} controls
   */
  keep({ pos, start, end, speed, fit, rate, loop, ...controls }) {
    Object.assign(this.#controls, controls);
  }

  /**
   * The commands that put a new socket where the old one was: right behind the last event received, running or paused
   * as before. To be asked once per new socket: from then on repeats of what is already here are dropped. Each time the
   * gateway refuses the one with the id `resume` it is asked for less: for the controls one by one, then to begin anew.
   * @returns {{action: string, [field: string]: any}[]}
   */
  resume() {
    if (!this.#cursor) return [];
    const { status, start_us, end_us, pos_us, speed, fit, rate, loop } = this.state;
    this.state.epoch = -1;
    this.#resumed = true;
    const controls = { ...this.#controls, loop, ...(fit ? { fit } : rate ? { rate } : { speed }) };
    const singly = Object.entries(controls).map(([name, value]) => ({ action: 'set', [name]: value }));
    const resume = { action: 'resume', id: 'resume', cursor: this.#cursor, after: this.#after, offsets: this.#offsets };
    const pause = this.halted ? [{ action: 'pause' }] : [];
    // The same window once more, from the time of the last event on.
    const window = { action: 'set', start: seconds(start_us), end: seconds(end_us) };
    const live = status === 'tailing' && end_us === null;
    const action = live ? 'tail' : this.halted ? 'set' : 'play';
    const pos = live || status === 'ended' ? undefined : seconds(this.#after?.time_us ?? pos_us);
    if (!this.refused) return [{ ...resume, ...controls }, ...pause];
    if (this.refused < 2) return [resume, ...singly, ...pause];
    return [window, ...singly, { action, id: 'resume', pos }];
  }

  /**
   * What a notice means, and the events that tell it. Frames and images of an older epoch mean nothing.
   * @param {Notice} notice
   * @param {number} steady_ms
   * @returns {Happening}
   */
  receive(notice, steady_ms) {
    const { type } = notice;
    const wall_us = notice.wall_us ?? notice.now_us;
    if (wall_us) this.clock.hear(wall_us, steady_ms);
    if (notice.epoch < this.state.epoch) return [notice];
    if (type === 'events') return this.#events(/** @type {any} */ (notice));
    if (type === 'state') {
      this.told += 1;
      return this.become(/** @type {any} */ (notice), steady_ms, true);
    }
    if (type === 'clock') {
      this.lag_ms = notice.lag_ms ?? this.lag_ms;
      this.#anchor(notice, steady_ms);
    }
    if (type === 'reset') {
      this.state.epoch = notice.epoch;
      this.#at(notice.cursor ?? this.#cursor);
      this.#resumed = false;
      this.#anchor(notice, steady_ms, true);
    }
    if (type === 'caught_up') this.#offsets = notice.offsets ?? {};
    if (type === 'gap' && notice.reason === 'deleted') delete this.#offsets[notice.topic];
    return [notice, type, MEDIA[notice.why ?? type]];
  }

  /** @param {Frame} frame @returns {Happening} */
  #events(frame) {
    this.state.epoch = frame.epoch;
    const events = frame.events.filter((event) => !this.#resumed || !this.#has(event));
    if (frame.cursor) this.#at(frame.cursor, frame.live);
    for (const event of events) this.#note(event, frame.live);
    return [{ ...frame, events }, events.length || frame.thinned ? 'events' : false];
  }

  /** @param {Event} event */
  #has(event) {
    return this.#seen.has(place(event)) || event.offset < (this.#offsets[event.topic]?.[event.partition] ?? 0);
  }

  /** @param {Event} event @param {boolean | undefined} live */
  #note(event, live) {
    const { time_us, topic, partition, offset } = event;
    if (live) (this.#offsets[topic] ??= {})[partition] = offset + 1;
    else if (!event.late && !event.early) this.#after = { time_us, topic, partition, offset };
    this.#seen.add(place(event));
    if (this.#seen.size > REMEMBERED_PLACES)
      this.#seen.delete(/** @type {string} */ (this.#seen.values().next().value));
  }

  /** @param {string | undefined} cursor @param {boolean} [live] */
  #at(cursor, live) {
    this.#cursor = cursor;
    this.#after = undefined;
    this.#seen.clear();
    if (!live) this.#offsets = {};
  }

  /**
   * Takes a state, `told` in its turn or else come with an answer, which may overtake frames: the cursor of an answer
   * holds only where it opens an epoch.
   * @param {State} next @param {number} steady_ms @param {boolean} [told] @returns {Happening}
   */
  become(next, steady_ms, told) {
    const was = this.state;
    const rested = this.halted;
    const state = (this.state = { ...next });
    const moved = state.epoch !== was.epoch;
    if (next.cursor !== this.#cursor && (told || moved)) this.#at(next.cursor, state.status === 'tailing');
    this.#anchor(state, steady_ms, moved);
    const changed = (/** @type {keyof State} */ name) => state[name] !== was[name];
    return [
      state,
      rested && !this.halted && 'play',
      changed('status') && (MEDIA[state.status] ?? state.status),
      changed('speed') && 'ratechange',
      (changed('start_us') || changed('end_us')) && 'durationchange',
      'statechange',
    ];
  }

  /** @param {any} anchor @param {number} steady_ms @param {boolean} [moved] */
  #anchor({ pos_us, wall_us, speed: told = this.clock.speed }, steady_ms, moved) {
    const { status } = this.state;
    const speed = status === 'tailing' ? 1 : status === 'playing' && told > 0 ? told : 0;
    if (pos_us !== null) this.clock.anchor({ pos_us, wall_us, speed }, steady_ms, moved);
  }
}
