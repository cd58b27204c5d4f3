/** The library at a gateway that asks who somebody is: what it shows, and what it does where that will not do. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { Tivo, TivoError } from '../../tivo/console/lib/tivo.js';
import { ScriptedWorld, told } from './scripted.js';

const TOKEN = 'a token>?~';
const BEARER = 'tivo.bearer.YSB0b2tlbj4_fg';
const { fetch } = globalThis;

afterEach(() => {
  globalThis.fetch = fetch;
});

/** Answers every request; gives what was asked. */
function answering(status, body) {
  const asked = [];
  globalThis.fetch = async (url, options) => {
    asked.push({ url: String(url), ...options });
    return new Response(JSON.stringify(body), { status });
  };
  return asked;
}

test('with a token every request has it in a header, and none in its address', async () => {
  const asked = answering(200, { topics: [], offsets: [] });
  const tivo = new Tivo('http://gateway/', { token: TOKEN });

  await tivo.topics();
  await tivo.produce('t', { value: 1 });

  assert.deepEqual(
    [`Bearer ${TOKEN}`, `Bearer ${TOKEN}`],
    asked.map(({ headers }) => headers.authorization),
  );
  assert.deepEqual(
    ['http://gateway/v1/topics', 'http://gateway/v1/topics/t/records'],
    asked.map(({ url }) => url),
  );
});

test('without a token nothing is shown, and the browser adds its cookie by itself', async () => {
  const asked = answering(200, { topics: [] });

  await new Tivo('http://gateway/').topics();

  assert.deepEqual({}, asked[0].headers);
  assert.equal(undefined, asked[0].credentials);
});

for (const [status, code] of [
  [401, 'unauthorized'],
  [403, 'forbidden'],
]) {
  test(`a refusal by ${status} is told by its code, and to try again will not help`, async () => {
    answering(status, { status, code, detail: 'no', retryable: false });

    await assert.rejects(new Tivo('http://gateway/').topics(), { name: 'TivoError', status, code, retryable: false });
  });
}

test('a socket shows the token beside the protocol, again on each, and none in its address', () => {
  const world = new ScriptedWorld();
  new Tivo('http://gateway/', { token: TOKEN, WebSocket: class {}, ...world }).player({ topics: 't' });
  world.socket.open();
  world.socket.lose();
  world.pass(1000);

  assert.equal(2, world.sockets.length);
  for (const { url, protocols } of world.sockets) {
    assert.deepEqual(['tivo.v1.json', BEARER], protocols);
    assert.equal('ws://gateway/ws?topics=t', url);
  }
});

for (const [close, code] of [
  [4401, 'unauthorized'],
  [4403, 'forbidden'],
]) {
  test(`a player that is not let in, or not any more, says why and is closed for good (${close})`, async () => {
    const world = new ScriptedWorld();
    const player = new Tivo('http://gateway/', { WebSocket: class {}, ...world }).player({ topics: 't' });
    const errors = told(player, 'error');
    world.socket.open();
    const asked = player.play();
    world.socket.say({ type: 'error', code, message: 'no', fatal: true }, { type: 'bye', code: close, reason: 'no' });
    world.socket.lose(close, code);
    world.pass(60_000);

    await assert.rejects(asked, (error) => error instanceof TivoError && error.code === code);
    assert.deepEqual(
      [code],
      errors.map((error) => error.code),
    );
    assert.deepEqual(['closed', 1], [player.connection, world.sockets.length]);
  });
}
