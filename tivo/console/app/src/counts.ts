/** Event counts on the timeline: added up, looked up, and as a table. */
import type { Overview } from '../../lib/tivo.js';
import { countText, spanText } from './time-text.ts';
import type { Span } from './timeline-scale.ts';

const TABLE_ROWS = 24;

/** What a slice of time holds, in words. */
export function countAt(counts: Overview | undefined, time_us: number): string {
  const count = counts?.counts[Math.floor((time_us - counts.start_us) / counts.width_us)];
  return count === undefined ? 'no events' : `${countText(count)} in ${spanText(counts!.width_us)}`;
}

/** How many events lie in a span, as near as the slices tell. */
export function countIn(counts: Overview | undefined, { start_us, end_us }: Span): number {
  if (!counts) return 0;
  const middle_us = (i: number): number => counts.start_us + (i + 0.5) * counts.width_us;
  const inside = counts.counts.filter((_, i) => middle_us(i) >= start_us && middle_us(i) < end_us);
  return inside.reduce((total, count) => total + count, 0);
}

/** Counts joined to at most two dozen rows: the time at which each begins, and its events. */
export function tableRows(counts: Overview): { rows: { time_us: number; events: number }[]; width_us: number } {
  const per = Math.ceil(counts.counts.length / TABLE_ROWS) || 1;
  const rows = [];
  for (let i = 0; i < counts.counts.length; i += per) {
    const events = counts.counts.slice(i, i + per).reduce((total, count) => total + count, 0);
    rows.push({ time_us: counts.start_us + i * counts.width_us, events });
  }
  return { rows, width_us: per * counts.width_us };
}

/** Whether a name is meant by a name or glob, as the gateway reads these. */
export function matches(pattern: string, name: string): boolean {
  const escaped = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`).test(name);
}

/** Counts of several topics on one axis: the widest slices, the others filled in. */
export function sum(overviews: Overview[]): Overview | undefined {
  const widest = overviews.toSorted((a, b) => b.width_us - a.width_us)[0];
  if (!widest || overviews.length === 1) return widest;
  const start_us = Math.min(...overviews.map((each) => each.start_us));
  const from_us = start_us - ((((start_us - widest.start_us) % widest.width_us) + widest.width_us) % widest.width_us);
  const end_us = Math.max(...overviews.map((each) => each.start_us + each.width_us * each.counts.length));
  const counts = new Array<number>(Math.max(0, Math.ceil((end_us - from_us) / widest.width_us))).fill(0);
  for (const each of overviews) {
    each.counts.forEach((count, i) => {
      counts[Math.floor((each.start_us + i * each.width_us - from_us) / widest.width_us)]! += count;
    });
  }
  return { ...widest, start_us: from_us, counts };
}
