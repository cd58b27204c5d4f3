/** Speeds as people set them: on a slider that counts in powers of ten, or as text. */
import { trim } from './time-text.ts';

export const SLOWEST = 0.1;
export const FASTEST = 10_000;
export const SLIDER_STEPS = 500;

const DECADES = Math.log10(FASTEST / SLOWEST);
const STOPS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1000, 1440, 3600, 10_000];

export function toSlider(speed: number): number {
  return Math.round((Math.log10(speed / SLOWEST) / DECADES) * SLIDER_STEPS);
}

/** The speed at a place of the slider, to two digits; it snaps to 1. */
export function fromSlider(step: number): number {
  const speed = SLOWEST * 10 ** ((step / SLIDER_STEPS) * DECADES);
  return Math.abs(Math.log10(speed)) < 0.03 ? 1 : Number(speed.toPrecision(2));
}

/** The next speed up or down of those that have a name. */
export function neighbour(speed: number, direction: 1 | -1): number {
  const beyond =
    direction > 0 ? STOPS.find((stop) => stop > speed * 1.001) : STOPS.findLast((stop) => stop < speed * 0.999);
  return beyond ?? speed;
}

/** `60×`, `1,440×`, `0.25×`. */
export function speedText(speed: number): string {
  if (!Number.isFinite(speed)) return 'max';
  const rounded = speed >= 100 ? Math.round(speed) : Number(trim(speed, speed < 1 ? 2 : 1));
  return `${rounded.toLocaleString('en')}×`;
}

/** What a speed does to time: `20 m per s`; empty near real time. */
export function speedWords(speed: number): string {
  if (!Number.isFinite(speed) || (speed > 0.5 && speed < 2)) return '';
  if (speed < 1) return `1 s in ${trim(1 / speed, 1)} s`;
  const [per, unit] = (
    [
      [3600, 'h'],
      [60, 'm'],
      [1, 's'],
    ] as const
  ).find(([size]) => speed >= size)!;
  return `${trim(speed / per, speed / per < 10 ? 1 : 0)} ${unit} per s`;
}

/** A speed as typed: `60`, `60x`, `0.5×`; undefined where it is none. */
export function parseSpeed(text: string): number | undefined {
  const match = /^\s*([\d.,]+)\s*[x×]?\s*$/i.exec(text);
  const speed = match ? Number(match[1]!.replaceAll(',', '')) : NaN;
  return speed > 0 && Number.isFinite(speed) ? speed : undefined;
}
