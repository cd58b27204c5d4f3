/**
 * Plays the session's scenario files from the viewer's side: the test is the gateway and tells the notices of the
 * file, at their times. How a file is written is told in tests/conformance/playback/acting.py, which plays the other side.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';

import { ScriptedWorld, newPlayer } from './scripted.js';

const PLAYBACK = new URL('../conformance/playback/', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, PLAYBACK), 'utf8'));
const DEFAULTS = read('scenarios/notices.json');

/** Every scenario, by the name of its file and its own. */
export const SCENARIOS = readdirSync(new URL('scenarios/', PLAYBACK))
  .filter((name) => name !== 'notices.json')
  .sort()
  .flatMap((name) =>
    Object.entries(read(`scenarios/${name}`).scenarios).map(([title, scenario]) => ({
      title: `${name.replace('.json', '')}: ${title}`,
      scenario,
    })),
  );

export const CLOCK_SCENARIOS = Object.entries(read('clock.json').scenarios);

/** Commands that the player has methods for; the others go through `command`. */
const METHODS = {
  play: (player, controls) => player.play(controls),
  pause: (player) => player.pause(),
  tail: (player, controls) => player.tail(controls),
  seek: (player, { pos }) => player.seek(pos),
  step: (player, { n, by }) => player.step(n, by),
  set: (player, controls) => player.set(controls),
  subscribe: (player, { topics }) => player.subscribe(...topics),
  unsubscribe: (player, { topics }) => player.unsubscribe(...topics),
};
/** What the methods add where nothing is said. */
const SAID_ANYWAY = { step: { n: 1, by: 'event' } };

export async function play(scenario) {
  const stage = new Stage(scenario);
  for (const step of scenario.steps) {
    stage.at(step.at_us);
    if ('do' in step) stage.do(step.do);
    else if ('fact' in step) stage.happens(step.fact);
    else if ('hear' in step) for (const notice of step.hear) await stage.hear(notice);
    else stage.check(step.viewer);
  }
}

export class Stage {
  /** Places of the events shown, and the names of what was dispatched, since the last look. */
  #shown = [];
  #told = [];
  #records;
  #world = new ScriptedWorld();
  #player;
  /** How many commands the file has, and of each how the player calls it and what becomes of it. */
  #said = 0;
  #asked = new Map();
  /** How much of what the player says on its socket has been looked at. */
  #read = 0;
  #cursors = 0;

  constructor({ plays, records, steps }) {
    const later = steps.flatMap(({ fact }) => fact?.records ?? []);
    this.#records = new Map([...records, ...later].map((record) => [record.is, recordOf(record)]));
    const { player } = newPlayer({ topics: plays }, this.#world);
    this.#player = player;
    player.dispatchEvent = (event) => {
      this.#told.push(event.type);
      if (event.type === 'events') this.#shown.push(...event.detail.events.map(placeOf));
      return EventTarget.prototype.dispatchEvent.call(player, event);
    };
    this.#world.socket.open();
    this.#world.socket.ack('set', timed({ ...DEFAULTS.notices.state, status: 'paused', epoch: 0, cursor: 'c0' }));
    this.#read = this.#commands.length;
    this.#told = [];
  }

  at(at_us) {
    this.#world.pass(at_us / 1000 - this.#world.now_ms);
  }

  get #commands() {
    return this.#world.socket.heard.filter(({ action }) => action !== 'ack');
  }

  /** The next command that the player says, be it by itself. */
  #next() {
    return this.#commands[this.#read++];
  }

  do(said) {
    if (typeof said === 'string' || said.action === 'ack') return;
    const { action, ...fields } = said;
    const itself = this.#read < this.#commands.length;
    const method = METHODS[action] ?? ((player) => player.command(action, fields));
    const answer = itself
      ? undefined
      : method(this.#player, { ...fields, ...('topics' in fields && { topics: [fields.topics].flat() }) });
    const { id, ...heard } = this.#next();
    this.#asked.set(String(++this.#said), {
      id,
      settled: answer?.then(
        (value) => ({ value }),
        (error) => ({ error }),
      ),
    });
    if (action === 'resume') return this.#resumes(heard, fields);
    assert.deepEqual(heard, {
      ...SAID_ANYWAY[action],
      ...said,
      ...('topics' in said && { topics: [said.topics].flat() }),
    });
  }

  /** Right behind the last event received; the controls that the file names are among those that the player restores. */
  #resumes(heard, { after, offsets, ...controls }) {
    const wanted = { ...controls, cursor: `c${this.#cursors}`, after: after && timed(after), offsets };
    for (const [name, value] of Object.entries(wanted)) assert.deepEqual(heard[name], value, `${name} of resume`);
  }

  happens({ socket }) {
    if (socket === 'lost') this.#world.socket.lose();
    if (socket === 'opened') {
      assert.equal(this.#player.connection, 'connecting');
      this.#read = 0;
      this.#world.socket.open();
    }
  }

  async hear(written) {
    const notice = this.#whole(written);
    const { type, id, code, reason } = notice;
    const asked = id && this.#asked.get(id);
    this.#world.socket.say(asked ? { ...notice, id: asked.id } : notice);
    if (type === 'bye') this.#world.socket.lose(code, reason);
    if (asked?.settled) await this.#settles(asked.settled, notice);
  }

  async #settles(settled, { type, code, result, state }) {
    const found = await Promise.race([settled, new Promise((resolve) => setImmediate(resolve, {}))]);
    if (type === 'error') assert.equal(found.error?.code, code);
    else assert.deepEqual(found.value, result ?? state);
  }

  #whole(written) {
    const notice = timed({ ...DEFAULTS.notices[written.type], ...written });
    const cursor = () => `c${++this.#cursors}`;
    if (notice.type === 'ack') {
      notice.state = timed({ ...DEFAULTS.notices.state, ...notice.state, cursor: 'of an answer' });
    }
    if (notice.type === 'state' || notice.type === 'reset' || notice.cursor) notice.cursor = cursor();
    if (notice.type === 'error') notice.message = 'refused';
    if (notice.type === 'events') notice.events = notice.events.map((shown) => this.#shownAs(shown));
    return notice;
  }

  #shownAs(shown) {
    if (typeof shown === 'string') return this.#records.get(shown);
    const { is, ...more } = shown;
    return { ...this.#records.get(is), ...timed(more) };
  }

  /** What the viewer has come to, and what became of it since the last look. */
  stands() {
    const { state, position_us, connection } = this.#player;
    const acked = this.#world.socket.heard.findLast(({ action }) => action === 'ack')?.n;
    const stands = {
      status: state.status,
      ...(state.pos_us !== null && { position_us: position_us - DEFAULTS.begins_us }),
      ...(connection !== 'open' && { connection }),
      ...(acked && { acked }),
      shown: this.#shown,
      told: this.#told,
    };
    this.#shown = [];
    this.#told = [];
    return stands;
  }

  check({ position_us, estimates: _, ...wanted }) {
    const { position_us: found_us, ...found } = this.stands();
    assert.deepEqual(found, wanted);
    assert.equal(found_us === undefined, position_us === undefined);
    if (position_us !== undefined)
      assert.ok(Math.abs(found_us - position_us) <= 1, `at ${found_us}, not at ${position_us}`);
  }
}

/** Times count from the beginning of the scenario. */
function timed(written) {
  const time = ([name, value]) =>
    name.endsWith('_us') && name !== 'late_us' && value !== null ? [name, value + DEFAULTS.begins_us] : [name, value];
  return Object.fromEntries(Object.entries(written).map(time));
}

function recordOf({ is, ...given }) {
  const [topic, partition, offset] = is.split('/');
  const rest = timed({ ...DEFAULTS.record, ...given });
  return { topic, partition: Number(partition), offset: Number(offset), id: is, ...rest };
}

const placeOf = ({ topic, partition, offset }) => `${topic}/${partition}/${offset}`;
