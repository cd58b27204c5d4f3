/** Events that have a place: rings that open where they happen and fade, and a faint trace of where they were. */
import type { Event } from '../../../lib/tivo.js';
import { type Inks, SANS } from '../palette.ts';
import { coasts } from './land.ts';
import { type Moment, type Painter, Range, ease, isPlace, measureOf } from './painter.ts';
import { type Box, type Projection, localProjection, worldProjection } from './projection.ts';

const BRIGHT_S = 14;
const DIM_S = 1.4;
/** About so many marks are bright at once: where events come thick and fast they fade sooner. */
const BRIGHT_MARKS = 260;
const RING_S = 1.6;
const LABEL_S = 5;
const TRACES = 1500;
const WORLD_DEGREES = 25;

interface Mark {
  lon: number;
  lat: number;
  due_s: number;
  size: number;
  text: string;
}

export class MapPainter implements Painter {
  readonly label = 'A map on which events appear as circles and fade';
  #marks: Mark[] = [];
  #sizes = new Range();
  #box: Box = { west: Infinity, east: -Infinity, south: Infinity, north: -Infinity };
  #ground: { key: string; canvas: OffscreenCanvas } | undefined;
  #projection: Projection | undefined;
  #shape = '';

  add({ value }: Event, due_s: number): void {
    if (!isPlace(value)) return;
    const { lon, lat } = value;
    const measure = measureOf(value);
    if (measure) this.#sizes.take(measure.number);
    const place = value['place'] ?? value['name'];
    const text = measure ? `${measure.number.toFixed(1)}${typeof place === 'string' ? `  ${place}` : ''}` : '';
    this.#marks.push({ lon, lat, due_s, size: measure?.number ?? 0, text });
    if (this.#marks.length > TRACES) this.#marks.splice(0, this.#marks.length - TRACES);
    const box = this.#box;
    if (lon < box.west || lon > box.east || lat < box.south || lat > box.north) {
      this.#box = {
        west: Math.min(box.west, lon),
        east: Math.max(box.east, lon),
        south: Math.min(box.south, lat),
        north: Math.max(box.north, lat),
      };
      this.#projection = undefined;
    }
  }

  clear(): void {
    this.#marks = [];
  }

  paint(pen: CanvasRenderingContext2D, moment: Moment): void {
    const projection = this.#project(moment);
    this.#paintGround(pen, moment, projection);
    const recent = this.#marks.filter(
      ({ due_s }) => due_s <= moment.scene_s && moment.scene_s - due_s < BRIGHT_S,
    ).length;
    const bright_s = Math.max(DIM_S, Math.min(BRIGHT_S, (BRIGHT_S * BRIGHT_MARKS) / recent));
    for (const mark of this.#marks) {
      if (mark.due_s <= moment.scene_s) this.#paintMark(pen, moment, projection, mark, bright_s);
    }
    this.#paintLabels(pen, moment, projection);
  }

  #project({ width, height }: Moment): Projection {
    const shape = `${width}×${height}`;
    if (this.#projection && shape === this.#shape) return this.#projection;
    this.#shape = shape;
    const { west, east, south, north } = this.#box;
    const small = east - west < WORLD_DEGREES && north - south < WORLD_DEGREES && east >= west;
    const room = Math.max(24, Math.min(width, height) * 0.14);
    return (this.#projection = small
      ? localProjection(this.#box, width, height, room)
      : worldProjection(width, height));
  }

  #paintMark(
    pen: CanvasRenderingContext2D,
    moment: Moment,
    projection: Projection,
    mark: Mark,
    bright_s: number,
  ): void {
    const { scene_s, inks, still, width } = moment;
    const age_s = scene_s - mark.due_s;
    const [x, y] = projection.point(mark.lon, mark.lat);
    const part = this.#sizes.part(mark.size);
    const radius = (1.6 + 15 * part ** 2.2) * Math.max(0.7, Math.min(1.25, width / 900));
    pen.fillStyle = pen.strokeStyle = inks.accent;
    if (age_s >= bright_s) {
      pen.globalAlpha = 0.28;
      pen.fillRect(x - 0.75, y - 0.75, 1.5, 1.5);
    } else {
      const glow = 1 - ease(age_s / bright_s) ** 2;
      pen.globalAlpha = 0.1 + 0.3 * glow;
      disc(pen, x, y, Math.max(0.85, radius * (0.35 + 0.65 * glow)));
      pen.globalAlpha = 0.25 + 0.75 * glow;
      disc(pen, x, y, Math.max(0.85, Math.min(2.6, radius * 0.5)));
      if (age_s < RING_S && !still) this.#paintRing(pen, x, y, radius, age_s / RING_S);
    }
    pen.globalAlpha = 1;
  }

  #paintRing(pen: CanvasRenderingContext2D, x: number, y: number, radius: number, part: number): void {
    pen.globalAlpha = (1 - part) * 0.8;
    pen.lineWidth = 1.25;
    pen.beginPath();
    pen.arc(x, y, radius * (0.6 + 1.9 * ease(part)) + 2, 0, 7);
    pen.stroke();
  }

  /** The largest of the last seconds are named; a name is left out where it would cover another. */
  #paintLabels(pen: CanvasRenderingContext2D, { scene_s, inks, width }: Moment, projection: Projection): void {
    const fresh = this.#marks.filter(({ due_s, text }) => text && due_s <= scene_s && scene_s - due_s < LABEL_S);
    const large = fresh.filter(({ size }) => this.#sizes.part(size) > 0.4).sort((a, b) => b.size - a.size);
    pen.font = `500 11px ${SANS}`;
    pen.textBaseline = 'middle';
    const taken: [number, number][] = [];
    for (const mark of large) {
      const [x, y] = projection.point(mark.lon, mark.lat);
      if (
        taken.length >= Math.min(6, width / 130) ||
        taken.some(([a, b]) => Math.abs(a - x) < 130 && Math.abs(b - y) < 16)
      )
        continue;
      taken.push([x, y]);
      pen.globalAlpha = Math.min(1, (LABEL_S - (scene_s - mark.due_s)) / 1.5);
      const wide = pen.measureText(mark.text).width;
      const left = x + 14 + wide > width ? x - 14 - wide : x + 14;
      pen.lineWidth = 3;
      pen.strokeStyle = inks.paper;
      pen.lineJoin = 'round';
      pen.strokeText(mark.text, left, y);
      pen.fillStyle = inks.ink;
      pen.fillText(mark.text, left, y);
    }
    pen.globalAlpha = 1;
  }

  /** Land and grid change with the size and the theme only, so they are painted once. */
  #paintGround(pen: CanvasRenderingContext2D, { inks, width, height }: Moment, projection: Projection): void {
    const rings = projection.world ? coasts() : [];
    const ratio = devicePixelRatio;
    const key = [width, height, ratio, inks.land, rings.length, JSON.stringify(projection.world || this.#box)].join();
    if (this.#ground?.key !== key) {
      const canvas = new OffscreenCanvas(Math.max(1, width * ratio), Math.max(1, height * ratio));
      const brush = canvas.getContext('2d')!;
      brush.scale(ratio, ratio);
      if (projection.world) paintWorld(brush, inks, projection, rings);
      else paintGrid(brush, inks, projection, this.#box, width, height);
      this.#ground = { key, canvas };
    }
    pen.drawImage(this.#ground.canvas, 0, 0, width, height);
  }
}

type Brush = OffscreenCanvasRenderingContext2D;

function disc(pen: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fill();
}

function paintWorld(brush: Brush, inks: Inks, projection: Projection, rings: [number, number][][]): void {
  brush.strokeStyle = inks.line;
  brush.lineWidth = 1;
  for (let lon = -180; lon <= 180; lon += 30) line(brush, projection, lon, -90, lon, 90);
  for (let lat = -60; lat <= 60; lat += 30) line(brush, projection, -180, lat, 179.999, lat);
  brush.beginPath();
  for (const ring of rings) {
    ring.forEach(([lon, lat], i) => {
      const [x, y] = projection.point(Math.max(-179.999, Math.min(179.999, lon)), lat);
      if (i) brush.lineTo(x, y);
      else brush.moveTo(x, y);
    });
    brush.closePath();
  }
  brush.fillStyle = inks.land;
  brush.fill('evenodd');
  brush.strokeStyle = inks.coast;
  brush.stroke();
}

function line(brush: Brush, projection: Projection, lon: number, lat: number, toLon: number, toLat: number): void {
  brush.beginPath();
  for (let i = 0; i <= 60; i += 1) {
    const part = i / 60;
    const [x, y] = projection.point(Math.min(179.999, lon + (toLon - lon) * part), lat + (toLat - lat) * part);
    if (i) brush.lineTo(x, y);
    else brush.moveTo(x, y);
  }
  brush.stroke();
}

function paintGrid(brush: Brush, inks: Inks, projection: Projection, box: Box, width: number, height: number): void {
  const step = gridStep(Math.max(box.east - box.west, box.north - box.south));
  const [x0] = projection.point(0, 0);
  const [x1, y1] = projection.point(1, 1);
  const perLon = x1 - x0;
  const perLat = projection.point(0, 0)[1] - y1;
  brush.fillStyle = inks.faint;
  brush.font = `400 10px ${SANS}`;
  const [midX, midY] = projection.point((box.west + box.east) / 2, (box.south + box.north) / 2);
  const [midLon, midLat] = [(box.west + box.east) / 2, (box.south + box.north) / 2];
  const [west, east] = [midLon - midX / perLon, midLon + (width - midX) / perLon];
  const [south, north] = [midLat - (height - midY) / perLat, midLat + midY / perLat];
  brush.strokeStyle = inks.line;
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  for (let lon = Math.ceil(west / step) * step; lon < east; lon += step) {
    const x = Math.round(projection.point(lon, midLat)[0]) + 0.5;
    stroke(brush, x, 0, x, height);
    brush.fillText(`${lon.toFixed(digits)}°`, x + 4, height - 6);
  }
  for (let lat = Math.ceil(south / step) * step; lat < north; lat += step) {
    const y = Math.round(projection.point(midLon, lat)[1]) + 0.5;
    stroke(brush, 0, y, width, y);
    brush.fillText(`${lat.toFixed(digits)}°`, 6, y - 4);
  }
}

function stroke(brush: Brush, x: number, y: number, toX: number, toY: number): void {
  brush.beginPath();
  brush.moveTo(x, y);
  brush.lineTo(toX, toY);
  brush.stroke();
}

function gridStep(extent: number): number {
  const rough = Math.max(extent, 1e-4) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= rough)!;
}
