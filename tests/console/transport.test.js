import assert from 'node:assert/strict';
import { test } from 'node:test';

import { webSockets } from '../../tivo/console/lib/transport.js';

/** What a listener hears of a socket to which `happen` happens. */
function heard(happen) {
  const told = [];
  class Socket {
    readyState = 0;
  }
  const listener = {
    onopen: () => told.push(['open']),
    onmessage: ({ data }) => told.push(['message', data]),
    onclose: ({ code, reason }) => told.push(['closed', code, reason]),
  };
  happen(webSockets(Socket)('ws://gateway/ws', [], listener));
  return told;
}

for (const closes of [false, true]) {
  test(`a socket that never opened is closed once, where its runtime tells that ${closes ? 'too' : 'not'}`, () => {
    assert.deepEqual(
      [['closed', 1006, '']],
      heard((socket) => {
        socket.onerror({});
        if (closes) socket.onclose?.({ code: 1006, reason: '' });
      }),
    );
  });
}

test('where the close follows, it is what counts', () => {
  assert.deepEqual(
    [['open'], ['closed', 4401, 'who are you?']],
    heard((socket) => {
      socket.onopen({});
      socket.readyState = 3;
      socket.onerror({});
      socket.onclose({ code: 4401, reason: 'who are you?' });
    }),
  );
});
