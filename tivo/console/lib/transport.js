import { TivoError } from './protocol.js';

/** @typedef {{onopen(): unknown, onmessage(message: {data: string}): unknown, onclose(close: {code: number, reason: string}): unknown}} Listener */
/** @typedef {{send(text: string): void, close(code?: number, reason?: string): void}} Transport */
/** @typedef {(url: string, protocols: string[], listener: Listener) => Transport} Connect  Opens one socket; tells the listener. */

/**
 * What a player needs of the world around it. Tests give their own and play a scripted gateway without a socket or a wait.
 * @typedef {object} World
 * @property {Connect} connect
 * @property {() => number} steady  steady time in milliseconds
 * @property {() => number} random  0 ≤ random < 1
 * @property {(act: () => void, ms: number) => () => void} later  acts once after so long; gives its cancel
 * @property {(act: () => void) => () => void} onWake  acts whenever the network or the page comes back; gives its cancel
 */

const NO_WEBSOCKET =
  'no WebSocket (Node 22 has one): ' +
  "npm install ws, then new Tivo(url, { WebSocket: (await import('ws')).WebSocket })";

/**
 * Sockets of the runtime, or of the class given. Throws where there is neither.
 * @param {typeof WebSocket} [Socket]
 * @returns {Connect}
 */
export function webSockets(Socket = globalThis.WebSocket) {
  if (!Socket) throw new TivoError(NO_WEBSOCKET, { code: 'no_websocket' });
  return (url, protocols, listener) => {
    /** @type {WebSocket} */
    const socket = Object.assign(new Socket(url, protocols), listener);
    // The close behind it says it all; but in Node 22 none comes where the socket never opened (undici #3546).
    socket.onerror = () => {
      if (socket.readyState) return;
      socket.onclose = null;
      listener.onclose({ code: 1006, reason: '' });
    };
    return socket;
  };
}

/** @type {Omit<World, 'connect'>} */
export const realWorld = {
  steady: () => performance.now(),
  random: Math.random,
  later(act, ms) {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  onWake(act) {
    const until = new AbortController();
    const page = globalThis.document;
    globalThis.addEventListener?.('online', act, until);
    page?.addEventListener('visibilitychange', () => page.hidden || act(), until);
    return () => until.abort();
  },
};
