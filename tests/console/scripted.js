/** A world without a wire and without a wait: the test is the gateway, and says when time passes. */
import { Player } from '../../tivo/console/lib/player.js';

export class ScriptedWorld {
  now_ms = 0;
  draw = 0;
  /** Every socket ever opened, oldest first. */
  sockets = [];
  #timers = new Set();
  #wakers = new Set();

  connect = (url, protocols, listener) => {
    const socket = new ScriptedSocket(url, protocols, listener);
    this.sockets.push(socket);
    return socket;
  };
  steady = () => this.now_ms;
  random = () => this.draw;
  later = (act, ms) => {
    const timer = { due_ms: this.now_ms + ms, act };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };
  onWake = (act) => {
    this.#wakers.add(act);
    return () => this.#wakers.delete(act);
  };

  get socket() {
    return this.sockets.at(-1);
  }

  get timers() {
    return this.#timers.size;
  }

  get wakers() {
    return this.#wakers.size;
  }

  pass(ms) {
    const until_ms = this.now_ms + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ due_ms }) => due_ms <= until_ms).sort((a, b) => a.due_ms - b.due_ms);
      if (!next) break;
      this.#timers.delete(next);
      this.now_ms = next.due_ms;
      next.act();
    }
    this.now_ms = until_ms;
  }

  wake() {
    for (const act of [...this.#wakers]) act();
  }
}

class ScriptedSocket {
  /** What the viewer said, in order. */
  heard = [];
  closed = false;

  constructor(url, protocols, listener) {
    Object.assign(this, { url, protocols, listener });
  }

  send(text) {
    this.heard.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  open() {
    this.listener.onopen();
  }

  say(...notices) {
    for (const notice of notices) this.listener.onmessage({ data: JSON.stringify(notice) });
  }

  lose(code = 1006, reason = '') {
    this.listener.onclose({ code, reason });
  }

  /** The last command of that name. */
  last(action) {
    return this.heard.findLast((command) => command.action === action);
  }

  /** Answers the last command of that name. */
  ack(action, state = {}, rest = {}) {
    this.say({
      type: 'ack',
      id: this.last(action).id,
      action,
      state: stateOf(state),
      ...rest,
    });
  }
}

export const stateOf = (state = {}) => ({
  status: 'playing',
  start_us: 0,
  end_us: 1_000_000_000,
  pos_us: 0,
  speed: 1,
  loop: false,
  iteration: 0,
  epoch: 1,
  ...state,
});

export const eventAt = (offset, more = {}) => ({
  topic: 'quakes',
  partition: 0,
  offset,
  time_us: offset * 1_000,
  received_us: offset * 1_000,
  id: String(offset),
  key: null,
  value: offset,
  ...more,
});

/** A frame with events of these offsets. */
export const frame = (n, offsets, more = {}) => ({
  type: 'events',
  epoch: 1,
  n,
  due_us: 0,
  iteration: 0,
  events: offsets.map((offset) => (typeof offset === 'number' ? eventAt(offset) : offset)),
  ...more,
});

export function newPlayer(options = {}, world = new ScriptedWorld()) {
  const player = new Player({ topics: 'quakes', ...options }, { base: 'http://gateway/' }, world);
  return { player, world };
}

/** A player whose `play` has been answered. */
export function playing(options = {}, state = {}) {
  const { player, world } = newPlayer({ autoplay: true, ...options });
  world.socket.open();
  world.socket.ack('play', state);
  return { player, world };
}

/** Everything of a type that the player tells from now on. */
export function told(player, type) {
  const details = [];
  player.on(type, (detail) => details.push(detail));
  return details;
}

export const offsetsOf = (frames) => frames.flatMap(({ events }) => events.map(({ offset }) => offset));
