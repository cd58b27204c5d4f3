/** What the page shows, as its address: a link opens the same topic, window, position, speed, loop and filter. */
import { isoText } from './time-text.ts';

export interface View {
  topic?: string | undefined;
  /** A window as the protocol takes it: RFC 3339 or an offset. Absent: unbounded. */
  start?: string | undefined;
  end?: string | undefined;
  pos?: string | undefined;
  speed?: number | undefined;
  loop?: boolean | undefined;
  key?: string | undefined;
}

export function readView(query: string): View {
  const given = new URLSearchParams(query);
  const text = (name: string): string | undefined => given.get(name)?.trim() || undefined;
  const speed = Number(text('speed'));
  return {
    topic: text('topic'),
    start: text('start'),
    end: text('end'),
    pos: text('pos'),
    speed: speed > 0 && Number.isFinite(speed) ? speed : undefined,
    loop: /^(1|true)$/i.test(text('loop') ?? ''),
    key: text('key'),
  };
}

export function writeView(view: View): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...view, loop: view.loop ? '1' : undefined })) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  // Times stay readable: a colon needs no escape in a query.
  return query.size ? `?${query.toString().replaceAll('%3A', ':').replaceAll('%2F', '/')}` : '';
}

/** A view of a window that the player holds. */
export function bounds(start_us: number | null, end_us: number | null): Pick<View, 'start' | 'end'> {
  return {
    start: start_us === null ? undefined : isoText(start_us, true),
    end: end_us === null ? undefined : isoText(end_us, true),
  };
}
