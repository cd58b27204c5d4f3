import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { Feed } from '../../tivo/console/lib/feed.js';
import { frame, playing, stateOf } from './scripted.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const acks = (world) => world.socket.heard.filter(({ action }) => action === 'ack').map(({ n }) => n);

async function take(feed, count) {
  const values = [];
  while (values.length < count) values.push((await feed.next()).value.value);
  return values;
}

test('events are iterated in order, across frames, until the window has ended', async () => {
  const { player, world } = playing();
  const events = player[Symbol.asyncIterator]();
  world.socket.say(frame(1, [1, 2]), frame(2, [3]), {
    type: 'state',
    ...stateOf({ status: 'ended' }),
  });

  const values = [];
  for await (const { value } of events) values.push(value);

  assert.deepEqual([1, 2, 3], values);
});

test('a reader that waits gets the next event as it comes', async () => {
  const { player, world } = playing();
  const events = player[Symbol.asyncIterator]();
  const [first, second] = [events.next(), events.next()];

  world.socket.say(frame(1, [1]), frame(2, [2]));

  assert.equal(1, (await first).value.value);
  assert.equal(2, (await second).value.value);
});

test('credit is returned for what the reader has taken, not for what has arrived', async () => {
  const { player, world } = playing();
  const events = player[Symbol.asyncIterator]();
  world.socket.say(frame(1, [1]), frame(2, [2, 3]), frame(3, [4]));
  world.pass(250);
  assert.deepEqual([], acks(world));

  await take(events, 2);
  world.pass(250);
  assert.deepEqual([1], acks(world));
  await take(events, 1);
  world.pass(250);

  assert.deepEqual([1, 2], acks(world));
});

test('a reader that leaves holds nothing back', async () => {
  const { player, world } = playing();
  const events = player[Symbol.asyncIterator]();
  world.socket.say(frame(1, [1]), frame(2, [2]));

  await events.return();
  world.pass(250);

  assert.deepEqual([2], acks(world));
  assert.deepEqual({ done: true, value: undefined }, await events.next());
});

test('the slower of two readers counts', async () => {
  const { player, world } = playing();
  const [quick, slow] = [player[Symbol.asyncIterator](), player[Symbol.asyncIterator]()];
  world.socket.say(frame(1, [1]), frame(2, [2]));

  await take(quick, 2);
  await take(slow, 1);
  world.pass(250);

  assert.deepEqual([1], acks(world));
});

test('a reader far behind lets the socket go, and it is resumed when there is room', async () => {
  const { player, world } = playing({}, { cursor: 'c0' });
  const events = player[Symbol.asyncIterator]();
  const many = Array.from({ length: 20_000 }, (_, offset) => offset);
  world.socket.say(frame(1, many));
  assert.equal(true, world.socket.closed);
  world.pass(60_000);
  world.wake();
  assert.equal(1, world.sockets.length);

  const values = await take(events, 20_000);
  world.socket.open();

  assert.deepEqual(many, values);
  assert.equal(2, world.sockets.length);
  assert.equal(19_999, world.socket.last('resume').after.offset);
});

test('closed while it waits for a reader, it stays closed, and gives what it has', async () => {
  const { player, world } = playing({}, { cursor: 'c0' });
  const events = player[Symbol.asyncIterator]();
  const many = Array.from({ length: 20_000 }, (_, offset) => offset);
  world.socket.say(frame(1, many));

  player.close();

  assert.deepEqual(many, await take(events, 20_000));
  assert.equal(true, (await events.next()).done);
  assert.deepEqual(['closed', 1, 0], [player.connection, world.sockets.length, world.timers]);
});

test('frames of a former socket do not count against the credit of a new one', async () => {
  const { player, world } = playing({}, { cursor: 'c0' });
  const events = player[Symbol.asyncIterator]();
  world.socket.say(frame(1, [1]), frame(2, [2]));
  world.socket.lose();
  world.pass(250);
  world.socket.open();

  world.socket.say(frame(1, [3]));
  await take(events, 2);
  world.pass(250);
  assert.deepEqual([], acks(world));
  await take(events, 1);
  world.pass(250);

  assert.deepEqual([1], acks(world));
});

test('a refusal is thrown to the reader, after what had come', async () => {
  const { player, world } = playing();
  const events = player[Symbol.asyncIterator]();
  world.socket.say(frame(1, [1]));
  world.socket.lose(4403, 'not allowed');

  assert.deepEqual([1], await take(events, 1));
  await assert.rejects(events.next(), { code: 4403, message: 'not allowed' });
  assert.equal(true, (await events.next()).done);
});

test('a closed player has no more events', async () => {
  const { player } = playing();
  player.close();

  for await (const _ of player) assert.fail('an event came');
});

test('an ended feed takes no more', async () => {
  const feed = new Feed(() => {});
  feed.end();

  feed.push(frame(1, [1]), 1);

  assert.equal(0, feed.size);
  assert.equal(true, (await feed.next()).done);
});

test('a feed may be read for ever: each of 100 000 frames is waited for', async () => {
  const { player, world } = playing();
  const events = player[Symbol.asyncIterator]();

  for (let n = 1; n <= 100_000; n += 1) {
    const next = events.next();
    world.socket.listener.onmessage({ data: `{"type":"events","epoch":1,"n":${n},"events":[{"offset":${n}}]}` });
    assert.equal(n, (await next).value.offset);
  }
});

test('a feed that has ended and was read is let go', async () => {
  const { player, world } = playing();
  const ended = await endedFeed(player, world);
  world.socket.say(frame(2, [2]));

  await new Promise(setImmediate);
  collectGarbage();

  assert.equal(undefined, ended.deref());
});

/** A feed read to its end, and nothing that holds it. */
async function endedFeed(player, world) {
  const events = player[Symbol.asyncIterator]();
  world.socket.say(frame(1, [1]), { type: 'state', ...stateOf({ status: 'ended' }) });
  for await (const _ of events);
  return new WeakRef(events);
}
