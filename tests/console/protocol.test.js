import assert from 'node:assert/strict';
import { test } from 'node:test';

import { subProtocols } from '../../tivo/console/lib/protocol.js';
import { Tivo } from '../../tivo/console/lib/tivo.js';
import { webSockets } from '../../tivo/console/lib/transport.js';

test('a token travels as a sub-protocol, in letters that one may hold', () => {
  assert.deepEqual(['tivo.v1.json'], subProtocols());
  assert.deepEqual(['tivo.v1.json', 'tivo.bearer.fn5-Pz8_eA'], subProtocols('~~~???x'));
});

test('a runtime without WebSocket is told what to do', { skip: globalThis.WebSocket && 'this Node has one' }, () => {
  assert.throws(() => new Tivo('http://gateway/').player(), {
    code: 'no_websocket',
    message: /npm install ws, then new Tivo\(url, \{ WebSocket/,
  });
});

test('a WebSocket class given is used', () => {
  class Socket {
    readyState = 1;
    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
    }
  }
  const heard = [];
  const listener = {
    onopen: () => heard.push('open'),
    onmessage: ({ data }) => heard.push(data),
    onclose: ({ code, reason }) => heard.push([code, reason]),
  };

  const socket = webSockets(Socket)('ws://gateway/ws', ['tivo.v1.json'], listener);
  socket.onopen();
  socket.onmessage({ data: '{}' });
  socket.onerror();
  socket.onclose({ code: 1006, reason: '' });

  assert.equal('ws://gateway/ws', socket.url);
  assert.deepEqual(['open', '{}', [1006, '']], heard);
});
