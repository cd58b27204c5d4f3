import assert from 'node:assert/strict';
import { test } from 'node:test';

import { frame, newPlayer, playing, stateOf, told } from './scripted.js';

test('options become the first command, with a maximum rate unless one is given', () => {
  const { world } = newPlayer({
    topics: ['a', 'metrics.*'],
    autoplay: true,
    start: '-1h',
    fit: 60,
  });

  world.socket.open();

  assert.equal('ws://gateway/ws?topics=a,metrics.*', world.socket.url);
  assert.deepEqual(['tivo.v1.json'], world.socket.protocols);
  assert.deepEqual([{ action: 'play', id: '1', max_rate: 1000, start: '-1h', fit: 60 }], world.socket.heard);
});

test('without autoplay nothing runs, the controls are only set', () => {
  const { player, world } = newPlayer({ max_rate: 5 });

  world.socket.open();

  assert.deepEqual([{ action: 'set', id: '1', max_rate: 5 }], world.socket.heard);
  assert.equal(true, player.paused);
});

test('commands given before the socket is open go out in order', () => {
  const { player, world } = newPlayer();
  player.seek('+10s');
  player.play({ speed: 60 });

  world.socket.open();

  assert.deepEqual(
    ['set', 'seek', 'play'],
    world.socket.heard.map(({ action }) => action),
  );
});

test('events are told frame by frame and one by one, in order', () => {
  const { player, world } = playing();
  const frames = told(player, 'events');
  const events = told(player, 'event');

  world.socket.say(frame(1, [1, 2]), frame(2, [3]));

  assert.deepEqual(
    [[1, 2], [3]],
    frames.map((each) => each.events.map(({ offset }) => offset)),
  );
  assert.deepEqual(
    [1, 2, 3],
    events.map(({ value }) => value),
  );
});

test('a command gives the state it led to, or the result asked for', async () => {
  const { player, world } = playing();
  const paused = player.pause();
  const overview = player.command('overview', { buckets: 2 });

  world.socket.ack('pause', { status: 'paused', pos_us: 5 });
  world.socket.ack('overview', {}, { result: { counts: [1, 2] } });

  assert.equal(5, (await paused).pos_us);
  assert.deepEqual({ counts: [1, 2] }, await overview);
});

test('a step back ends at the unit that it came to', async () => {
  const { player, world } = playing();
  const events = told(player, 'event');
  const stepped = player.step(-2, 'batch');
  const { id: _, ...asked } = world.socket.last('step');

  world.socket.say(
    { type: 'reset', epoch: 2, pos_us: 3_000, why: 'seek', cursor: 'c' },
    { type: 'state', ...stateOf({ status: 'paused', epoch: 2, pos_us: 3_000, cursor: 'c' }) },
    { ...frame(1, [3, 4]), epoch: 2 },
    { type: 'state', ...stateOf({ status: 'paused', epoch: 2, pos_us: 4_000, cursor: 'd' }) },
  );
  world.socket.ack('step', { status: 'paused', epoch: 2, pos_us: 4_000, cursor: 'd' });

  assert.deepEqual({ action: 'step', n: -2, by: 'batch' }, asked);
  assert.equal(4_000, (await stepped).pos_us);
  assert.equal(4_000, player.state.pos_us);
  assert.equal(2, events.length);
});

test('an answer that waited behind another does not undo a state told meanwhile', async () => {
  const { player, world } = playing();
  const paused = player.pause();

  world.socket.say({ type: 'state', ...stateOf({ status: 'ended' }) });
  world.socket.ack('pause', { status: 'paused' });

  assert.equal('paused', (await paused).status);
  assert.equal('ended', player.state.status);
});

test('a command given on the news of the connection goes out once, behind the others', () => {
  const { player, world } = newPlayer();
  player.on('connection', (connection) => connection === 'open' && player.command('topics'));

  world.socket.open();

  assert.deepEqual(
    ['set', 'topics'],
    world.socket.heard.map(({ action }) => action),
  );
});

test('a refused command throws what the gateway said, and changes nothing', async () => {
  const { player, world } = playing();
  const answer = player.set({ speed: -1 });

  const { id } = world.socket.last('set');
  world.socket.say({
    type: 'error',
    id,
    action: 'set',
    code: 'bad_speed',
    field: 'speed',
    message: 'speed must be above 0, got -1',
  });

  await assert.rejects(answer, {
    name: 'TivoError',
    code: 'bad_speed',
    field: 'speed',
    message: 'speed must be above 0, got -1',
  });
  assert.equal(1, player.playbackRate);
  assert.equal('open', player.connection);
});

test('a refused assignment is told as an error', async () => {
  const { player, world } = playing();
  const errors = told(player, 'error');
  player.playbackRate = 0;

  const { id, speed } = world.socket.last('set');
  world.socket.say({
    type: 'error',
    id,
    action: 'set',
    code: 'bad_speed',
    message: 'no',
  });
  await new Promise(setImmediate);

  assert.equal(0, speed);
  assert.deepEqual(
    ['bad_speed'],
    errors.map(({ code }) => code),
  );
});

test('an error that answers nothing is told', () => {
  const { player, world } = playing();
  const errors = told(player, 'error');

  world.socket.say({
    type: 'error',
    code: 'store_unavailable',
    message: 'the store is away',
    retry_ms: 500,
  });

  assert.deepEqual(
    [['store_unavailable', true]],
    errors.map(({ code, retryable }) => [code, retryable]),
  );
});

test('state changes carry the names of media', () => {
  const { player, world } = playing({}, { status: 'paused' });
  const names = [];
  for (const name of ['play', 'playing', 'pause', 'waiting', 'ended', 'live', 'ratechange', 'durationchange']) {
    player.on(name, () => names.push(name));
  }

  world.socket.say(
    { type: 'state', ...stateOf({ status: 'buffering' }) },
    { type: 'state', ...stateOf({ status: 'playing', speed: 60 }) },
    { type: 'state', ...stateOf({ status: 'tailing', end_us: null }) },
    { type: 'state', ...stateOf({ status: 'ended', end_us: null }) },
    { type: 'state', ...stateOf({ status: 'playing', end_us: null }) },
  );

  assert.deepEqual(
    ['play', 'waiting', 'playing', 'ratechange', 'live', 'ratechange', 'durationchange', 'ended', 'play', 'playing'],
    names,
  );
});

test('the window, the position and the speed read like a media element', () => {
  const { player } = playing(
    {},
    {
      start_us: 10_000_000,
      end_us: 70_000_000,
      pos_us: 30_000_000,
      speed: 60,
      loop: { count: 3 },
    },
  );

  assert.equal(60, player.duration);
  assert.equal(30, player.currentTime);
  assert.equal(30_000, player.currentDate.getTime());
  assert.equal(60, player.playbackRate);
  assert.equal(true, player.loop);
  assert.equal(false, player.paused);
  assert.equal(false, player.live);
});

test('assigning currentTime seeks, and seeking holds until it is answered', async () => {
  const { player, world } = playing();
  const seeked = told(player, 'seeked');

  player.currentTime = 1452868344.5;
  assert.equal(true, player.seeking);
  assert.equal(1452868344.5, world.socket.last('seek').pos);
  world.socket.say({ type: 'reset', epoch: 2, pos_us: 7_000_000, why: 'seek' });
  world.socket.ack('seek', { epoch: 2, pos_us: 7_000_000 });
  await new Promise(setImmediate);

  assert.equal(1, seeked.length);
  assert.equal(false, player.seeking);
  assert.equal(7, player.currentTime);
});

test('frames of an older epoch are dropped, yet count as taken', () => {
  const { player, world } = playing();
  const frames = told(player, 'events');

  world.socket.say({ type: 'reset', epoch: 2, pos_us: 0, why: 'seek' }, frame(1, [1]), frame(2, [2], { epoch: 2 }));
  world.pass(250);

  assert.deepEqual(
    [2],
    frames.map(({ n }) => n),
  );
  assert.equal(2, world.socket.last('ack').n);
});

test('images are told in parts, those of an older epoch are not, and none of their events is one that was played', () => {
  const { player, world } = playing();
  const images = told(player, 'image');
  const events = told(player, 'event');
  const part = (epoch, number, last) => ({
    type: 'image',
    epoch,
    pos_us: 0,
    events: frame(1, [number]).events,
    part: number,
    last,
  });

  world.socket.say(
    { type: 'reset', epoch: 2, pos_us: 0, why: 'seek' },
    part(1, 3, true),
    part(2, 1, false),
    part(2, 2, true),
  );
  world.pass(250);

  assert.deepEqual(
    [1, 2],
    images.map(({ part: number }) => number),
  );
  assert.deepEqual([], events);
  assert.equal(undefined, world.socket.last('ack'));
});

test('credit is returned once per 64 frames, and within 250 ms for fewer', () => {
  const { world } = playing();
  const acks = () => world.socket.heard.filter(({ action }) => action === 'ack').map(({ n }) => n);

  for (let n = 1; n <= 63; n += 1) world.socket.say(frame(n, [n]));
  assert.deepEqual([], acks());
  world.socket.say(frame(64, [64]));
  assert.deepEqual([64], acks());
  world.socket.say(frame(65, [65]));
  world.pass(249);
  assert.deepEqual([64], acks());
  world.pass(1);
  assert.deepEqual([64, 65], acks());
  world.pass(10_000);
  assert.deepEqual([64, 65], acks());
});

test('every notice is told under its own name', () => {
  const { player, world } = playing();
  const gaps = told(player, 'gap');
  const surprises = told(player, 'something_new');

  world.socket.say(
    {
      type: 'gap',
      topic: 'quakes',
      from_offset: 1,
      to_offset: 9,
      reason: 'retention',
    },
    { type: 'something_new' },
  );

  assert.equal('retention', gaps[0].reason);
  assert.equal(1, surprises.length);
});

test('topics come and go', async () => {
  const { player, world } = playing();
  const added = player.subscribe('sensors');
  world.socket.ack('subscribe');
  await added;
  const removed = player.unsubscribe('quakes');
  world.socket.ack('unsubscribe');
  await removed;

  world.socket.lose();
  world.pass(250);

  assert.equal('ws://gateway/ws?topics=sensors', world.socket.url);
});

test('a closed player lets go of everything and refuses', async () => {
  const { player, world } = playing();
  const closed = told(player, 'closed');
  const waiting = player.pause();

  player.close();

  assert.deepEqual([true, 0, 0], [world.socket.closed, world.timers, world.wakers]);
  assert.deepEqual([null], closed);
  await assert.rejects(waiting, { code: 'closed' });
  await assert.rejects(player.play(), { code: 'closed' });
});
