/** What paints a topic: it is given events as they come and asked for a picture with every frame of the screen. */
import type { Event } from '../../../lib/tivo.js';
import type { Inks } from '../palette.ts';

export interface Moment {
  /** Seconds of a clock that runs while the playback runs. An event is due when this reaches its `due_s`. */
  scene_s: number;
  inks: Inks;
  width: number;
  height: number;
  /** People who asked for less motion. */
  still: boolean;
}

export interface Painter {
  /** What the picture shows, for those who do not see it. */
  readonly label: string;
  add(event: Event, due_s: number): void;
  /** A new epoch: what is shown is stale. */
  clear(): void;
  paint(pen: CanvasRenderingContext2D, moment: Moment): void;
}

/** 0 … 1, with a soft end. */
export function ease(part: number): number {
  const left = 1 - Math.max(0, Math.min(1, part));
  return 1 - left * left * left;
}

export function isPlace(value: unknown): value is { lon: number; lat: number } & Record<string, unknown> {
  const { lon, lat } = (value ?? {}) as Record<string, unknown>;
  return typeof lon === 'number' && typeof lat === 'number' && Math.abs(lat) <= 90 && Math.abs(lon) <= 540;
}

/** The first number in a value that is not a place: what a mark's size or colour shows. */
export function measureOf(value: unknown): { name: string; number: number } | undefined {
  if (typeof value === 'number') return { name: 'value', number: value };
  if (typeof value !== 'object' || value === null) return undefined;
  const found = Object.entries(value).find(
    ([name, each]) => typeof each === 'number' && name !== 'lon' && name !== 'lat',
  );
  return found && { name: found[0], number: found[1] };
}

/** The range of numbers seen so far. */
export class Range {
  least = Infinity;
  most = -Infinity;

  take(number: number): void {
    this.least = Math.min(this.least, number);
    this.most = Math.max(this.most, number);
  }

  /** Where in it a number lies, 0 … 1. */
  part(number: number): number {
    return this.most > this.least ? (number - this.least) / (this.most - this.least) : 0.5;
  }
}
