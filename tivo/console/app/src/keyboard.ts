/** What the keys do to the console. */
import type { TivoConsole } from './console.ts';
import { isTyping } from './keys.ts';

/** The listener of a console's keys. */
export function keyboard(console: TivoConsole): (event: KeyboardEvent) => void {
  return (event) => {
    if (console.locked !== undefined) return;
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const target = event.composedPath()[0];
    if (event.key === ' ' && target instanceof HTMLElement && target.matches('button, summary')) return;
    const tenth = /^[0-9]$/.test(event.key) ? Number(event.key) / 10 : undefined;
    const act = actsOf(console, event.shiftKey ? 10 : 1)[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act && tenth === undefined) return;
    event.preventDefault();
    if (act) act();
    else jump(console, tenth!);
  };
}

function actsOf(console: TivoConsole, far: number): Record<string, () => void> {
  const { controls, timeline } = console;
  return {
    ' ': () => controls?.toggle(),
    k: () => controls?.toggle(),
    j: () => skip(console, -10),
    l: () => skip(console, 10),
    ArrowLeft: () => skip(console, -5 * far),
    ArrowRight: () => skip(console, 5 * far),
    ',': () => controls?.step(-1),
    '.': () => controls?.step(1),
    '<': () => controls?.changeSpeed(-1),
    '>': () => controls?.changeSpeed(1),
    Home: () => jump(console, 0),
    End: () => controls?.goLive(),
    i: () => bound(console, 'start'),
    o: () => bound(console, 'end'),
    '/': () => controls?.toggleLoop(),
    g: () => console.sheet('tivo-goto').open(),
    f: () => timeline?.toggleFollow(),
    '?': () => console.sheet('tivo-help').open(),
  };
}

/** On or back by seconds of playback. */
function skip(console: TivoConsole, seconds: number): void {
  const { player } = console;
  if (!player) return;
  const speed = Number.isFinite(player.playbackRate) ? player.playbackRate : 1;
  const { start_us, end_us } = player.state;
  const to_us = player.position_us + seconds * speed * 1e6;
  const within_us = Math.max(start_us ?? -Infinity, Math.min((end_us ?? player.wall_us) - 1, to_us));
  console.attempt(() => player.seek(within_us / 1e6));
}

/** To a part of the window, or of what there is. */
function jump(console: TivoConsole, part: number): void {
  const { player, listed } = console;
  if (!player) return;
  const start_us = player.state.start_us ?? listed?.first_us ?? player.wall_us;
  const end_us = player.state.end_us ?? player.wall_us;
  console.attempt(() => player.seek((start_us + (end_us - start_us) * part) / 1e6));
}

/** Where it stands becomes a bound of the window; the other is kept, or else lies at the end of what there is. */
function bound(console: TivoConsole, side: 'start' | 'end'): void {
  const { player, listed } = console;
  if (!player) return;
  const { start_us, end_us } = player.state;
  const here_us = player.position_us;
  const first_us = start_us ?? listed?.first_us ?? here_us;
  const start = (side === 'start' ? here_us : Math.min(first_us, here_us)) / 1e6;
  const end = (side === 'end' ? here_us : Math.max(end_us ?? player.wall_us, here_us)) / 1e6;
  console.attempt(() => player.set({ start, end }));
}
