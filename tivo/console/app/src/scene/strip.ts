/** Any events: a lane for each of a few names, marks that come in at the right and move on, larger where a number is. */
import type { Event } from '../../../lib/tivo.js';
import { SANS } from '../palette.ts';
import { type Moment, type Painter, Range, ease, measureOf } from './painter.ts';

const SHOWN_S = 20;
const MOST_LANES = 14;
const MOST_MARKS = 8000;
const LEARNED = 400;
const OTHER = 'other';

interface Mark {
  lane: string;
  due_s: number;
  size: number;
  sway: number;
}

export class StripPainter implements Painter {
  readonly label = 'Lanes on which events come in at the right and move on';
  #marks: Mark[] = [];
  #sizes = new Range();
  #learned: Event[] = [];
  #laneOf: ((event: Event) => string) | undefined;
  #lanes: string[] = [];

  add(event: Event, due_s: number): void {
    if (this.#learned.length < LEARNED) {
      this.#learned.push(event);
      // The first look may mislead: look again as more is known.
      if ([1, 20, 100, LEARNED].includes(this.#learned.length)) this.#choose();
    }
    const number = measureOf(event.value)?.number ?? 0;
    this.#sizes.take(number);
    const name = this.#laneOf!(event);
    if (!this.#lanes.includes(name) && this.#lanes.length < MOST_LANES) this.#lanes = [...this.#lanes, name].sort();
    const lane = this.#lanes.includes(name) ? name : OTHER;
    this.#marks.push({ lane, due_s, size: number, sway: ((event.offset * 0.618) % 1) - 0.5 });
    if (this.#marks.length > MOST_MARKS) this.#marks.splice(0, MOST_MARKS / 4);
  }

  clear(): void {
    this.#marks = [];
  }

  /** A lane per key where there are few; else per the text in the values that takes the fewest words. */
  #choose(): void {
    const ways: ((event: Event) => unknown)[] = [({ key }) => key];
    const sample = this.#learned[0]!.value;
    if (typeof sample === 'object' && sample !== null) {
      for (const [name, each] of Object.entries(sample))
        if (typeof each === 'string') ways.push(({ value }) => value?.[name]);
    }
    const kinds = ways.map((way) => new Set(this.#learned.map((event) => String(way(event) ?? ''))).size);
    const few = kinds.findIndex((kind) => kind > 1 && kind <= MOST_LANES);
    const chosen = few >= 0 ? few : kinds.indexOf(Math.min(...kinds));
    this.#laneOf = (event) => String(ways[chosen]!(event) ?? '–');
    this.#lanes = [...new Set(this.#learned.map(this.#laneOf))].sort().slice(0, MOST_LANES);
    this.#marks = [];
  }

  paint(pen: CanvasRenderingContext2D, { scene_s, inks, width, height, still }: Moment): void {
    const lanes = this.#marks.some(({ lane }) => lane === OTHER) ? [...this.#lanes, OTHER] : this.#lanes;
    if (!lanes.length) return;
    pen.font = `400 11px ${SANS}`;
    const left = Math.min(150, Math.max(48, ...lanes.map((lane) => pen.measureText(lane).width + 28)));
    const right = width - 24;
    const [top, bottom] = [16, height - 26];
    const tall = (bottom - top) / lanes.length;
    pen.textBaseline = 'middle';
    lanes.forEach((lane, i) => {
      const y = top + (i + 0.5) * tall;
      pen.fillStyle = inks.line;
      pen.fillRect(left, Math.round(y), right - left, 1);
      pen.fillStyle = inks.quiet;
      pen.fillText(shorten(pen, lane, left - 24), 16, y);
    });
    this.#paintSeconds(pen, inks.faint, { left, right, bottom });
    for (const mark of this.#marks) {
      const age_s = scene_s - mark.due_s;
      if (age_s < 0 || age_s > SHOWN_S) continue;
      const x = right - (age_s / SHOWN_S) * (right - left);
      const y = top + (lanes.indexOf(mark.lane) + 0.5) * tall + mark.sway * Math.min(18, tall * 0.5);
      const radius = 1.8 + 5 * Math.sqrt(Math.max(0, this.#sizes.part(mark.size)));
      pen.fillStyle = inks.accent;
      pen.globalAlpha = 0.75 * (1 - (age_s / SHOWN_S) ** 3);
      pen.beginPath();
      pen.arc(x, y, still ? radius : radius * (1 + 0.9 * (1 - ease(age_s * 2))), 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  #paintSeconds(
    pen: CanvasRenderingContext2D,
    ink: string,
    { left, right, bottom }: { left: number; right: number; bottom: number },
  ): void {
    pen.fillStyle = ink;
    pen.textAlign = 'center';
    for (const ago_s of [0, 5, 10, 15]) {
      pen.fillText(ago_s ? `−${ago_s} s` : 'now', right - (ago_s / SHOWN_S) * (right - left), bottom + 12);
    }
    pen.textAlign = 'start';
  }
}

function shorten(pen: CanvasRenderingContext2D, text: string, width: number): string {
  if (pen.measureText(text).width <= width) return text;
  let kept = text.length;
  while (kept > 1 && pen.measureText(`${text.slice(0, kept)}…`).width > width) kept -= 1;
  return `${text.slice(0, kept)}…`;
}
