import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eventAt, frame, newPlayer, offsetsOf, playing, stateOf, told } from './scripted.js';

test('attempts wait 250 ms, then twice as long each time, up to 10 s', () => {
  const { world } = playing();
  const waits = [];

  for (let attempt = 0; attempt < 8; attempt += 1) {
    world.socket.lose();
    const sockets = world.sockets.length;
    const lost_ms = world.now_ms;
    while (world.sockets.length === sockets) world.pass(1);
    waits.push(world.now_ms - lost_ms);
  }

  assert.deepEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000], waits);
});

test('up to half of the wait is taken off at random', () => {
  const { world } = playing();
  world.draw = 0.5;

  world.socket.lose();
  world.pass(187);
  assert.equal(1, world.sockets.length);
  world.pass(1);

  assert.equal(2, world.sockets.length);
});

test('an answer proves the connection: the next wait is short again', () => {
  const { world } = playing();
  world.socket.lose();
  world.pass(250);
  world.socket.lose();
  world.pass(500);

  world.socket.open();
  world.socket.say({ type: 'ack', action: 'set', state: stateOf() });
  world.socket.lose();
  world.pass(250);

  assert.equal(4, world.sockets.length);
});

test('the gateway may ask for a longer wait', () => {
  const { world } = playing();

  world.socket.say({
    type: 'error',
    code: 'too_many_sessions',
    message: 'full',
    retry_ms: 3000,
  });
  world.socket.lose(1013);
  world.pass(2999);
  assert.equal(1, world.sockets.length);
  world.pass(1);

  assert.equal(2, world.sockets.length);
});

test('what the gateway asked for in an outage that is over does not lengthen the wait', () => {
  const { world } = playing();
  world.socket.say({ type: 'error', code: 'store_unavailable', message: 'away', retry_ms: 5000 }, frame(1, [1]));

  world.socket.lose();
  world.pass(250);

  assert.equal(2, world.sockets.length);
});

test('a longer wait that was asked for is kept once, and a goodbye does not shorten it', () => {
  const { world } = playing();
  const full = { type: 'error', code: 'too_many_sessions', message: 'full', retry_ms: 3000 };
  world.socket.say(full, { type: 'bye', code: 1013, reason: 'full' });
  world.socket.lose(1013);
  world.pass(2999);
  assert.equal(1, world.sockets.length);
  world.pass(1);

  world.socket.lose();
  world.pass(500);

  assert.equal(3, world.sockets.length);
});

test('when the network comes back the wait ends at once', () => {
  const { player, world } = playing();
  world.socket.lose();

  world.wake();
  assert.equal(2, world.sockets.length);
  assert.equal('connecting', player.connection);
  world.pass(10_000);

  assert.equal(2, world.sockets.length);
});

test('a socket that was silent for long is not trusted after waking', () => {
  const { world } = playing();
  const [first] = world.sockets;

  world.pass(10_001);
  world.wake();

  assert.equal(true, first.closed);
  assert.equal(2, world.sockets.length);
});

test('in history it goes on behind the last event in order', () => {
  const { world } = playing({ start: '-1h', fit: 60, filter: { key: 'a*' } }, { cursor: 'c0', fit: 60 });
  world.socket.say(frame(1, [1, 2], { cursor: 'c1' }), frame(2, [3, eventAt(0, { late: true })]));

  world.socket.lose();
  world.pass(250);
  world.socket.open();

  assert.deepEqual(
    [
      {
        action: 'resume',
        id: 'resume',
        max_rate: 1000,
        filter: { key: 'a*' },
        loop: false,
        fit: 60,
        cursor: 'c1',
        after: { time_us: 3000, topic: 'quakes', partition: 0, offset: 3 },
        offsets: {},
      },
    ],
    world.socket.heard,
  );
});

test('in live it goes on at the next offset of every partition', () => {
  const { world } = playing({}, { status: 'tailing', end_us: null, cursor: 'c0' });
  world.socket.say(
    { type: 'caught_up', time_us: 0, offsets: { quakes: { 0: 5, 1: 7 } } },
    frame(1, [5, eventAt(7, { partition: 1 }), 6], { live: true }),
  );

  world.socket.lose();
  world.pass(250);
  world.socket.open();

  assert.deepEqual({ quakes: { 0: 7, 1: 8 } }, world.socket.last('resume').offsets);
});

test('the cursor of an answer holds only where it opens an epoch: an answer may overtake frames', () => {
  const { player, world } = playing({}, { cursor: 'c0' });
  world.socket.say(frame(1, [1]));
  player.set({ speed: 2 });
  world.socket.ack('set', { cursor: 'overtakes' });

  world.socket.lose();
  world.pass(250);
  world.socket.open();

  assert.deepEqual(['c0', 1], [world.socket.heard[0].cursor, world.socket.heard[0].after.offset]);
});

test('a resume that was lost with its connection is said again', () => {
  const { world } = playing({}, { cursor: 'c0' });
  world.socket.say(frame(1, [1]));
  world.socket.lose();
  world.pass(250);
  world.socket.open();
  world.socket.lose(1013);
  world.pass(500);

  world.socket.open();

  assert.equal(1, world.socket.last('resume').after.offset);
});

test('a reset brings the place where its epoch begins', () => {
  const { world } = playing({}, { cursor: 'c0' });
  world.socket.say(frame(1, [1]), { type: 'reset', epoch: 2, pos_us: 0, why: 'seek', cursor: 'c2' });

  world.socket.lose();
  world.pass(250);
  world.socket.open();

  assert.deepEqual(['c2', undefined], [world.socket.heard[0].cursor, world.socket.heard[0].after]);
});

test('an early event does not move the place', () => {
  const { world } = playing({}, { cursor: 'c0' });
  world.socket.say(frame(1, [1, eventAt(9, { early: true })]));

  world.socket.lose();
  world.pass(250);
  world.socket.open();

  assert.equal(1, world.socket.last('resume').after.offset);
});

test('a topic made anew counts from 0 again', () => {
  const { world } = playing({}, { status: 'tailing', cursor: 'c0' });
  world.socket.say(
    { type: 'caught_up', time_us: 0, offsets: { quakes: { 0: 5 }, other: { 0: 7 } } },
    { type: 'gap', topic: 'quakes', partition: 0, from_offset: 5, to_offset: 6, reason: 'deleted' },
  );

  world.socket.lose();
  world.pass(250);
  world.socket.open();

  assert.deepEqual({ other: { 0: 7 } }, world.socket.last('resume').offsets);
});

test('repeats after a reconnect are dropped, in history and live', () => {
  const { player, world } = playing({}, { cursor: 'c0' });
  const frames = told(player, 'events');
  world.socket.say(frame(1, [1, 2]), frame(2, [eventAt(0, { late: true })]));

  world.socket.lose();
  world.pass(250);
  world.socket.open();
  world.socket.say(frame(1, [eventAt(0, { late: true }), 2, 3], { epoch: 0 }), frame(2, [4], { epoch: 0 }));

  assert.deepEqual([1, 2, 0, 3, 4], offsetsOf(frames));
});

test('live repeats below the next offset are dropped', () => {
  const { player, world } = playing({}, { status: 'tailing', cursor: 'c0' });
  const frames = told(player, 'events');
  world.socket.say({ type: 'caught_up', time_us: 0, offsets: { quakes: { 0: 5 } } }, frame(1, [5, 6], { live: true }));

  world.socket.lose();
  world.pass(250);
  world.socket.open();
  world.socket.say(frame(1, [4, 5, 6, 7], { live: true }));

  assert.deepEqual([5, 6, 7], offsetsOf(frames));
});

test('the same events in the next turn of a loop are no repeats', () => {
  const { player, world } = playing({ loop: true }, { cursor: 'c0' });
  const frames = told(player, 'events');
  world.socket.say(frame(1, [1, 2]));
  world.socket.lose();
  world.pass(250);
  world.socket.open();

  world.socket.say({ type: 'reset', epoch: 5, pos_us: 0, why: 'loop' }, frame(1, [1, 2], { epoch: 5, iteration: 1 }));

  assert.deepEqual([1, 2, 1, 2], offsetsOf(frames));
});

test('the first epoch of a new socket is taken as it comes', () => {
  const { player, world } = playing({}, { epoch: 40, cursor: 'c0' });
  const frames = told(player, 'events');
  world.socket.say(frame(1, [1], { epoch: 40 }));

  world.socket.lose();
  world.pass(250);
  world.socket.open();
  world.socket.say(frame(1, [2], { epoch: 1 }));

  assert.deepEqual([1, 2], offsetsOf(frames));
});

test('a paused player is paused again', () => {
  const { world } = playing({}, { status: 'paused', cursor: 'c0' });

  world.socket.lose();
  world.pass(250);
  world.socket.open();

  assert.deepEqual(
    ['resume', 'pause'],
    world.socket.heard.map(({ action }) => action),
  );
});

test('a connection lost in the middle of a seek asks for the seek again', () => {
  const { player, world } = playing({}, { cursor: 'c0' });
  world.socket.say(frame(1, [1]));
  player.seek(9);
  world.socket.say({ type: 'reset', epoch: 2, pos_us: 9_000_000, why: 'seek' });

  world.socket.lose();
  world.pass(250);
  world.socket.open();

  assert.deepEqual(
    ['resume', 'seek'],
    world.socket.heard.map(({ action }) => action),
  );
  assert.equal(undefined, world.socket.heard[0].after);
});

test('commands given while the connection is away follow the resume', () => {
  const { player, world } = playing({}, { cursor: 'c0' });
  world.socket.lose();

  player.set({ speed: 9 });
  world.pass(250);
  world.socket.open();

  assert.deepEqual(
    ['resume', 'set'],
    world.socket.heard.map(({ action }) => action),
  );
});

test('a command that lost its answer is asked again', async () => {
  const { player, world } = playing({}, { cursor: 'c0' });
  const answer = player.pause();
  world.socket.lose();
  world.pass(250);

  world.socket.open();
  world.socket.ack('pause', { status: 'paused', pos_us: 3 });

  assert.equal(3, (await answer).pos_us);
});

test('before anything was answered only what was asked is asked again', () => {
  const { world } = newPlayer({ autoplay: true });
  world.socket.lose();
  world.pass(250);

  world.socket.open();

  assert.deepEqual(
    ['play'],
    world.socket.heard.map(({ action }) => action),
  );
});

const resumed = (world) => {
  world.socket.lose();
  world.pass(250);
  world.socket.open();
  return world.socket.last('resume');
};

test('after tail a loop and a fit, which need an end, are not asked for again', () => {
  const { player, world } = playing({ loop: true, fit: 20 }, { loop: true, fit: 20, speed: 50, cursor: 'c0' });
  player.tail({ delay_ms: 500 });
  world.socket.ack('tail', { status: 'tailing', end_us: null, speed: 50, epoch: 2, cursor: 'c1' });

  const { fit, loop, speed, delay_ms } = resumed(world);

  assert.deepEqual([undefined, false, 50, undefined], [fit, loop, speed, delay_ms]);
});

test('nor where the window went on into the live stream at its end', () => {
  const { world } = playing({ loop: 2, fit: 20, end_action: 'tail' }, { loop: { count: 2 }, fit: 20, cursor: 'c0' });
  world.socket.say({ type: 'end', iteration: 2 });
  world.socket.say({
    type: 'state',
    ...stateOf({ status: 'tailing', end_us: null, speed: 50, epoch: 2, cursor: 'c1' }),
  });

  const { fit, loop, speed, end_action } = resumed(world);

  assert.deepEqual([undefined, false, 50, 'tail'], [fit, loop, speed, end_action]);
});

for (const [told, wanted] of [
  [
    { speed: null, rate: 5 },
    { rate: 5, loop: false },
  ],
  [
    { speed: 9, fit: 3, loop: true },
    { fit: 3, loop: true },
  ],
  [
    { speed: 'unlimited', loop: { count: 3, mode: 'restart', gap_ms: 5 } },
    { speed: 'unlimited', loop: { count: 3, mode: 'restart', gap_ms: 5 } },
  ],
]) {
  test(`pacing and loop are asked for as they were told: ${JSON.stringify(told)}`, () => {
    const { world } = playing({ fit: 60, loop: true }, { fit: 60, cursor: 'c0' });
    world.socket.say({ type: 'state', ...stateOf({ cursor: 'c0', ...told }) });

    const { action, id, cursor, offsets, max_rate, ...controls } = resumed(world);

    assert.deepEqual(wanted, controls);
  });
}

test('another pacing is no longer part of the state', () => {
  const { player, world } = playing({ fit: 60 }, { fit: 60, cursor: 'c0' });

  world.socket.say({ type: 'state', ...stateOf({ speed: 2 }) });

  assert.equal(undefined, player.state.fit);
});

/** A player whose gateway has refused to go on, so often. */
function refused(state = {}, times = 1) {
  const { player, world } = playing({ filter: { key: 'a*' }, loop: true }, { cursor: 'c0', loop: true, ...state });
  const errors = told(player, 'error');
  world.socket.say(frame(1, [1, 2]));
  resumed(world);
  for (let time = 0; time < times; time += 1) {
    if (time) world.socket.open();
    world.socket.say({ type: 'error', id: 'resume', action: 'resume', code: 'bad_value', message: `refused ${time}` });
  }
  return { player, world, errors };
}

const PLACE = { after: { time_us: 2000, topic: 'quakes', partition: 0, offset: 2 }, cursor: 'c0', offsets: {} };
const SINGLY = [
  { action: 'set', max_rate: 1000 },
  { action: 'set', filter: { key: 'a*' } },
  { action: 'set', loop: true },
  { action: 'set', speed: 1 },
];

test('refused with its controls, it goes on without them and asks for one after the other', () => {
  const { world, errors } = refused();

  world.socket.open();

  assert.equal(3, world.sockets.length);
  assert.equal(true, world.sockets[1].closed);
  assert.deepEqual([{ action: 'resume', id: 'resume', ...PLACE }, ...SINGLY], world.socket.heard);
  assert.deepEqual(
    ['refused 0'],
    errors.map(({ message }) => message),
  );
});

test('refused then and paused, it is paused again', () => {
  const { world } = refused({ status: 'paused' });

  world.socket.open();

  assert.deepEqual({ action: 'pause' }, world.socket.heard.at(-1));
});

for (const [state, move] of [
  [{}, { action: 'play', pos: 0.002 }],
  [{ status: 'paused' }, { action: 'set', pos: 0.002 }],
  [{ status: 'ended' }, { action: 'set' }],
  [{ status: 'tailing', end_us: null }, { action: 'tail' }],
  [{ status: 'tailing' }, { action: 'play', pos: 0.002 }],
]) {
  test(`refused once more, it begins anew where it was: ${JSON.stringify(state)}`, () => {
    const { world, errors } = refused({ start_us: 500_000, end_us: 2_000_000, ...state }, 2);

    world.socket.open();

    const end = state.end_us === null ? null : 2;
    assert.deepEqual([{ action: 'set', start: 0.5, end }, ...SINGLY, { id: 'resume', ...move }], world.socket.heard);
    assert.equal(2, errors.length);
  });
}

test('without an event since, it begins anew at the position told', () => {
  const { world } = playing({}, { cursor: 'c0', pos_us: 7_000_000 });
  resumed(world);
  for (let time = 0; time < 2; time += 1) {
    world.socket.say({ type: 'error', id: 'resume', code: 'bad_value', message: 'no' });
    world.socket.open();
  }

  assert.equal(7, world.socket.last('play').pos);
});

test('refused even that, it is closed and says why', async () => {
  const { player, world, errors } = refused({}, 2);
  const reading = player[Symbol.asyncIterator]().next();
  world.socket.open();

  world.socket.say({ type: 'error', id: 'resume', action: 'play', code: 'bad_time', message: 'refused 2' });

  assert.equal('closed', player.connection);
  assert.deepEqual(
    ['refused 0', 'refused 1', 'refused 2'],
    errors.map(({ message }) => message),
  );
  await assert.rejects(reading, { message: 'refused 2' });
});

test('commands that wait are asked again when the place is found', async () => {
  const { player, world } = playing({}, { cursor: 'c0' });
  const paused = player.pause();
  resumed(world);
  const [, second] = world.sockets;
  second.say({ type: 'error', id: 'resume', action: 'resume', code: 'bad_value', message: 'no' });
  second.say({ type: 'ack', id: second.last('pause').id, action: 'pause', state: stateOf({ pos_us: 1 }) });

  world.socket.open();
  world.socket.ack('pause', { status: 'paused', pos_us: 2 });

  assert.equal(2, (await paused).pos_us);
});

test('once it goes on, the next resume asks for everything again', () => {
  const { world } = refused();
  world.socket.open();
  world.socket.say({ type: 'ack', id: 'resume', action: 'resume', state: stateOf({ loop: true }) });

  assert.deepEqual({ key: 'a*' }, resumed(world).filter);
});

for (const [code, reason] of [
  [4401, ''],
  [4403, ''],
  [1008, 'forbidden'],
  [1009, ''],
]) {
  test(`a close with ${code} ${reason} is final`, async () => {
    const { player, world } = playing();
    const told_errors = told(player, 'error');
    const waiting = player.pause();

    world.socket.lose(code, reason);
    world.pass(60_000);

    assert.deepEqual(
      [code],
      told_errors.map((error) => error.code),
    );
    assert.equal('closed', player.connection);
    assert.equal(1, world.sockets.length);
    await assert.rejects(waiting, { code });
  });
}

for (const [code, reason] of [
  [1001, ''],
  [1006, ''],
  [1008, 'slow: no progress for 10 s'],
  [1011, ''],
  [1013, ''],
]) {
  test(`a close with ${code} ${reason} is mended`, () => {
    const { player, world } = playing();
    const errors = told(player, 'error');

    world.socket.lose(code, reason);
    world.pass(250);

    assert.equal(2, world.sockets.length);
    assert.deepEqual([], errors);
  });
}

test('a close with 1000 ends it without an error', () => {
  const { player, world } = playing();
  const errors = told(player, 'error');

  world.socket.lose(1000);

  assert.equal('closed', player.connection);
  assert.deepEqual([], errors);
});

test('a fatal error is final', () => {
  const { player, world } = playing();
  const errors = told(player, 'error');

  world.socket.say({
    type: 'error',
    code: 'unauthorized',
    message: 'who are you?',
    fatal: true,
  });

  assert.deepEqual(
    ['unauthorized'],
    errors.map(({ code }) => code),
  );
  assert.equal('closed', player.connection);
});

test('an idle socket is opened again by the next command', () => {
  const { player, world } = playing({}, { status: 'paused', cursor: 'c0' });
  world.socket.lose(4408);
  world.pass(60_000);
  assert.equal(1, world.sockets.length);

  player.play();
  world.socket.open();

  assert.deepEqual(
    ['resume', 'pause', 'play'],
    world.socket.heard.map(({ action }) => action),
  );
});

test('closed by who hears that it connects, it opens nothing more', () => {
  const { player, world } = playing();
  player.on('connection', (connection) => connection === 'connecting' && player.close());

  world.socket.lose();
  world.pass(250);

  assert.deepEqual(['closed', true], [player.connection, world.socket.closed]);
});

test('what a socket says after it was given up is not heard', () => {
  const { player, world } = playing({}, { cursor: 'c0' });
  const [first] = world.sockets;
  const frames = told(player, 'events');
  first.lose();
  world.pass(250);

  first.say(frame(1, [1]));

  assert.deepEqual([], frames);
});
