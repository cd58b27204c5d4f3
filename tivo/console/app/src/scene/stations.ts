/** Keys that stay in one place and report: a disc for each, its colour the last value, a ring when it speaks. */
import type { Event } from '../../../lib/tivo.js';
import { MONO, SANS } from '../palette.ts';
import { type Moment, type Painter, Range, ease, isPlace, measureOf } from './painter.ts';
import { type Box, localProjection } from './projection.ts';

const PULSE_S = 1.2;

interface Station {
  lon: number;
  lat: number;
  number: number;
  spoke_s: number;
  waiting: { number: number; due_s: number }[];
}

export class StationsPainter implements Painter {
  readonly label = 'A plan of places, each showing its last value';
  #stations = new Map<string, Station>();
  #range = new Range();
  #name = '';

  add({ key, value }: Event, due_s: number): void {
    const measure = measureOf(value);
    if (!isPlace(value) || !measure) return;
    this.#name = measure.name;
    this.#range.take(measure.number);
    const name = String(key ?? '');
    const station = this.#stations.get(name) ?? {
      lon: value.lon,
      lat: value.lat,
      number: NaN,
      spoke_s: -Infinity,
      waiting: [],
    };
    station.waiting.push({ number: measure.number, due_s });
    this.#stations.set(name, station);
  }

  /** The last value of a place stays until it says another. */
  clear(): void {
    for (const station of this.#stations.values()) Object.assign(station, { waiting: [], spoke_s: -Infinity });
  }

  paint(pen: CanvasRenderingContext2D, { scene_s, inks, width, height, still }: Moment): void {
    const stations = [...this.#stations.values()];
    if (!stations.length) return;
    const room = Math.max(36, Math.min(width, height) * 0.14);
    const projection = localProjection(boxOf(stations), width, height, room);
    const radius = Math.max(12, Math.min(30, Math.min(width, height) / 15));
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    for (const [name, station] of this.#stations) {
      while (station.waiting[0] && station.waiting[0].due_s <= scene_s) {
        const { number, due_s } = station.waiting.shift()!;
        Object.assign(station, { number, spoke_s: due_s });
      }
      if (Number.isNaN(station.number)) continue;
      const [x, y] = projection.point(station.lon, station.lat);
      const part = this.#range.part(station.number);
      const age = (scene_s - station.spoke_s) / PULSE_S;
      if (age < 1 && !still) {
        pen.globalAlpha = (1 - age) * 0.7;
        pen.strokeStyle = heat(part, 1);
        pen.lineWidth = 1.5;
        pen.beginPath();
        pen.arc(x, y, radius + 8 * ease(age), 0, 7);
        pen.stroke();
        pen.globalAlpha = 1;
      }
      pen.fillStyle = heat(part, 0.9);
      pen.beginPath();
      pen.arc(x, y, radius, 0, 7);
      pen.fill();
      pen.fillStyle = '#0d0f12';
      pen.font = `500 ${Math.round(radius * 0.56)}px ${MONO}`;
      pen.fillText(Number.isInteger(station.number) ? String(station.number) : station.number.toFixed(1), x, y + 0.5);
      pen.fillStyle = inks.quiet;
      pen.font = `400 11px ${SANS}`;
      pen.fillText(name, x, y + radius + 10);
    }
    pen.textAlign = 'start';
    this.#paintKey(pen, inks.quiet, height);
  }

  #paintKey(pen: CanvasRenderingContext2D, ink: string, height: number): void {
    const [left, top] = [16, height - 30];
    for (let i = 0; i < 100; i += 1) {
      pen.fillStyle = heat(i / 99, 0.9);
      pen.fillRect(left + i, top, 1.5, 6);
    }
    pen.fillStyle = ink;
    pen.font = `400 11px ${SANS}`;
    pen.fillText(`${this.#name}  ${this.#range.least.toFixed(1)} – ${this.#range.most.toFixed(1)}`, left, top + 16);
  }
}

/** From cool to warm, equally light all the way, so that dark text stands on every step. */
function heat(part: number, alpha: number): string {
  return `oklch(0.8 0.105 ${(235 - 190 * part).toFixed(0)} / ${alpha})`;
}

function boxOf(stations: Station[]): Box {
  const [lons, lats] = [stations.map(({ lon }) => lon), stations.map(({ lat }) => lat)];
  return { west: Math.min(...lons), east: Math.max(...lons), south: Math.min(...lats), north: Math.max(...lats) };
}
