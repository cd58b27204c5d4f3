/** Where a time axis has its marks, and what they say. */
import { DAY_US, HOUR_US, MINUTE_US, SECOND_US, type Zone, dateText, shift_us, timeText } from './time-text.ts';

export interface Tick {
  time_us: number;
  text: string;
  /** A new day begins here. */
  day: boolean;
}

const MS = 1000;
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((n) => n * MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_US),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_US),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_US),
  ...[1, 2, 7, 14, 30, 91, 182, 365].map((n) => n * DAY_US),
];

/** Marks of a view, at least `gap_us` apart, at round times of the zone. */
export function ticksOf(start_us: number, end_us: number, gap_us: number, zone: Zone): Tick[] {
  const step_us = STEPS.find((each) => each >= gap_us) ?? STEPS.at(-1)!;
  const shift = shift_us(start_us, zone);
  const ticks: Tick[] = [];
  for (let at = Math.ceil((start_us + shift) / step_us) * step_us; at - shift < end_us; at += step_us) {
    const time_us = at - shift;
    const day = at % DAY_US === 0;
    ticks.push({ time_us, day, text: textOf(time_us, step_us, day, zone) });
  }
  return ticks;
}

function textOf(time_us: number, step_us: number, day: boolean, zone: Zone): string {
  if (day) return dateText(time_us, zone, step_us >= 30 * DAY_US);
  if (step_us >= MINUTE_US) return timeText(time_us, zone, 'minute');
  return timeText(time_us, zone, step_us >= SECOND_US ? 'second' : 'milli');
}
