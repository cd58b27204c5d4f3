import { PlaybackClock } from './clock.js';

/** @import { Controls, Event, Frame, Notice, State } from './protocol.js' */
/** @typedef {[type: string | false, detail: any]} Happening  An event to dispatch, and its detail; false is none. */

const REMEMBERED_PLACES = 8192;

/** What a change of status is called on a media element. */
const STATUS_EVENTS = {
  paused: 'pause',
  playing: 'playing',
  tailing: 'live',
  buffering: 'waiting',
  ended: 'ended',
};

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
  /** Controls that hold: pacing and loop as the gateway tells them, others as they were asked for. @type {Controls} */
  controls = {};
  /** How often in turn the gateway refused to go on. */
  refused = 0;

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
   * cursor.
   * @param {Controls} controls
   */
  keep({ pos: _, start: __, end: ___, ...controls }) {
    const { speed, fit, rate, ...others } = this.controls;
    const paced = controls.speed ?? controls.fit ?? controls.rate;
    this.controls = { ...(paced ? others : this.controls), ...controls };
  }

  /**
   * The commands that put a new socket where the old one was: right behind the last event received, running or paused
   * as before. To be asked once per new socket: from then on repeats of what is already here are dropped. Each time the
   * gateway refuses the one with the id `resume` it is asked for less: for the controls one by one, then to begin anew.
   * @returns {{action: string, [field: string]: any}[]}
   */
  resume() {
    if (!this.#cursor) return [];
    this.state.epoch = -1;
    this.#resumed = true;
    const resume = { action: 'resume', id: 'resume', cursor: this.#cursor, after: this.#after, offsets: this.#offsets };
    const singly = Object.entries(this.controls).map(([name, value]) => ({ action: 'set', [name]: value }));
    const pause = this.halted ? [{ action: 'pause' }] : [];
    if (!this.refused) return [{ ...resume, ...this.controls }, ...pause];
    return this.refused < 2 ? [resume, ...singly, ...pause] : this.#anew(singly);
  }

  /** The same window once more, from the time of the last event on. @param {{action: string}[]} singly */
  #anew(singly) {
    const { status, start_us, end_us, pos_us } = this.state;
    const window = { action: 'set', start: seconds(start_us), end: seconds(end_us) };
    const pos = status === 'ended' ? undefined : seconds(this.#after?.time_us ?? pos_us);
    const live = status === 'tailing' && end_us === null;
    const move = live ? { action: 'tail' } : { action: this.halted ? 'set' : 'play', pos };
    return [window, ...singly, { id: 'resume', ...move }];
  }

  /**
   * What a notice means, as events to dispatch in turn. Frames and images of an older epoch mean nothing.
   * @param {Notice} notice
   * @param {number} steady_ms
   * @returns {Happening[]}
   */
  receive(notice, steady_ms) {
    const { type } = notice;
    const wall_us = notice.wall_us ?? notice.now_us;
    if (wall_us) this.clock.hear(wall_us, steady_ms);
    if (notice.epoch < this.state.epoch) return [];
    if (type === 'events') return this.#events(/** @type {any} */ (notice));
    if (type === 'state') {
      this.told += 1;
      return this.become(/** @type {any} */ (notice), steady_ms, true);
    }
    if (type === 'clock') return this.#tick(notice, steady_ms);
    if (type === 'reset') return this.#reset(notice, steady_ms);
    if (type === 'caught_up') this.#offsets = notice.offsets ?? {};
    if (type === 'gap' && notice.reason === 'deleted') delete this.#offsets[notice.topic];
    return [[type, notice]];
  }

  /** @param {Frame} frame @returns {Happening[]} */
  #events(frame) {
    this.state.epoch = frame.epoch;
    const events = this.#resumed ? frame.events.filter((event) => !this.#has(event)) : frame.events;
    if (frame.cursor) this.#at(frame.cursor, frame.live);
    for (const event of events) this.#note(event, frame.live);
    return events.length || frame.thinned ? [['events', { ...frame, events }]] : [];
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
   * @param {Partial<State>} next @param {number} steady_ms @param {boolean} [told] @returns {Happening[]}
   */
  become(next, steady_ms, told) {
    const was = this.state;
    const rested = this.halted;
    const state = (this.state = { ...was, fit: undefined, rate: undefined, ...next });
    const { speed, fit, rate, loop } = state;
    // Whoever changed them: going live gives up what needs an end.
    this.keep(/** @type {any} */ ({ loop, ...(fit ? { fit } : rate ? { rate } : { speed }) }));
    const moved = state.epoch !== was.epoch;
    if (next.cursor !== this.#cursor && (told || moved)) this.#at(next.cursor, state.status === 'tailing');
    this.#anchor(state, state.status === 'tailing' ? 1 : state.speed, steady_ms, moved);
    const changed = (/** @type {keyof State} */ name) => state[name] !== was[name];
    const types = [
      rested && !this.halted && 'play',
      changed('status') && STATUS_EVENTS[state.status],
      changed('speed') && 'ratechange',
      (changed('start_us') || changed('end_us')) && 'durationchange',
      'statechange',
    ];
    return types.map((type) => [type, state]);
  }

  /** @param {Notice} notice @param {number} steady_ms @returns {Happening[]} */
  #tick(notice, steady_ms) {
    this.#anchor(notice, notice.speed, steady_ms);
    this.lag_ms = notice.lag_ms ?? this.lag_ms;
    return [
      ['clock', notice],
      ['timeupdate', notice],
    ];
  }

  /** @param {Notice} notice @param {number} steady_ms @returns {Happening[]} */
  #reset(notice, steady_ms) {
    this.state.epoch = notice.epoch;
    this.#at(notice.cursor ?? this.#cursor);
    this.#resumed = false;
    this.#anchor(notice, this.clock.speed, steady_ms, true);
    return [
      ['reset', notice],
      [notice.why === 'seek' && 'seeked', notice],
    ];
  }

  /** @param {any} anchor @param {any} speed @param {number} steady_ms @param {boolean} [moved] */
  #anchor({ pos_us, wall_us }, speed, steady_ms, moved) {
    const runs = speed > 0 && !this.halted && this.state.status !== 'buffering';
    if (pos_us !== null) this.clock.anchor({ pos_us, wall_us, speed: runs ? speed : 0 }, steady_ms, moved);
  }
}
