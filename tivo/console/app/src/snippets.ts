/** What one copies out of the console: the same window in a page, in a shell, in Python; and how to produce. */
import type { Event } from '../../lib/tivo.js';
import { bounds } from './address.ts';
import { trim } from './time-text.ts';

export interface Playing {
  topic: string;
  start_us: number | null;
  end_us: number | null;
  speed: number;
  loop: boolean;
  /** Whether the gateway wants to be shown a token. */
  asks?: boolean | undefined;
}

/** Where the gateway is, with a slash at its end. */
export const base = (): string => new URL('.', document.baseURI).href;

/** What shows a token in a shell, in front of what follows. */
const bearer = (asks?: boolean): string => (asks ? '-H "Authorization: Bearer $TIVO_TOKEN" ' : '');

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function controls({ start_us, end_us, speed, loop }: Playing): [name: string, value: string | number | boolean][] {
  const { start, end } = bounds(start_us, end_us);
  const given = { start, end, speed: Number(trim(speed, 3)), loop };
  return Object.entries(given).filter(([, value]) => value !== undefined && value !== false && value !== 1) as never;
}

/** Live unless a window or a speed says otherwise. */
const isLive = (playing: Playing): boolean =>
  playing.start_us === null && playing.end_us === null && playing.speed === 1;

export function asPage(playing: Playing): string {
  const fields = controls(playing).map(([name, value]) => `, ${name}: ${JSON.stringify(value).replaceAll('"', "'")}`);
  const live = isLive(playing);
  return `<script type="module">
  import { Tivo } from '${base()}lib/tivo.js';

  const player = new Tivo().player({ topics: '${playing.topic}'${fields.join('')}${live ? '' : ', autoplay: true'} });
  player.on('event', ({ time_us, key, value }) => {
    console.log(new Date(time_us / 1000), key, value);
  });${live ? '\n  player.tail();' : ''}
</script>`;
}

export function asShell(playing: Playing): string {
  const play = { action: isLive(playing) ? 'tail' : 'play', ...Object.fromEntries(controls(playing)) };
  const socket = `${base().replace(/^http/, 'ws')}ws/${encodeURIComponent(playing.topic)}`;
  const { start, end } = bounds(playing.start_us, playing.end_us);
  const query = new URLSearchParams({ start: start ?? '-1h', ...(end && { end }) }).toString().replaceAll('%3A', ':');
  return `# the events of the window, a line each
curl ${bearer(playing.asks)}-H 'Accept: application/x-ndjson' ${quoted(`${base()}v1/topics/${encodeURIComponent(playing.topic)}/records?${query}`)}

# the same, played: any WebSocket client will do
wscat ${bearer(playing.asks)}-c ${quoted(socket)} -x ${quoted(JSON.stringify(play))} -w -1`;
}

export function asPython(playing: Playing): string {
  const python = (value: string | number | boolean) =>
    typeof value === 'boolean' ? (value ? 'True' : 'False') : JSON.stringify(value);
  const fields = controls(playing).map(([name, value]) => `, ${name}=${python(value)}`);
  const live = isLive(playing);
  const token = playing.asks ? ', token=os.environ["TIVO_TOKEN"]' : '';
  return `import asyncio
${playing.asks ? 'import os\n' : ''}
from tivo.client.viewer import Viewer


async def main() -> None:
    async with Viewer("${base()}", "${playing.topic}"${token}${fields.join('')}${live ? '' : ', autoplay=True'}) as viewer:
${live ? '        await viewer.tail()\n' : ''}        async for event in viewer:
            print(event.time_us, event.key, event.value)


asyncio.run(main())`;
}

/** A command that produces the event once more, at its own time. */
export function asCurl({ topic, key, value, time_us }: Event): string {
  const body = JSON.stringify({ key, value, time: bounds(time_us, null).start });
  return `curl -X POST ${quoted(`${base()}v1/topics/${encodeURIComponent(topic)}/records`)} -H 'Content-Type: application/json' -d ${quoted(body)}`;
}

export function howToProduce(topic: string, asks?: boolean): { name: string; text: string }[] {
  const value = '{"hello": "world"}';
  return [
    {
      name: 'curl',
      text: `curl -X POST ${base()}v1/topics/${topic}/records \\
  ${bearer(asks)}-H 'Content-Type: application/json' \\
  -d '{"key": "greeting", "value": ${value}}'`,
    },
    { name: 'command line', text: `echo '${value}' | tivo produce ${topic}` },
    { name: 'any Kafka client', text: `echo '${value}' | kcat -b ${location.hostname}:9092 -P -t ${topic}` },
    { name: 'something to look at', text: 'tivo demo' },
  ];
}
