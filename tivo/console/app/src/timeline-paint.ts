/** Paints the timeline: bars, axis, window, live edge, playhead. */
import type { Overview } from '../../lib/tivo.js';
import { type Inks, SANS } from './palette.ts';
import { ticksOf } from './ticks.ts';
import type { Scale, Span } from './timeline-scale.ts';
import type { Zone } from './time-text.ts';

/** Above the bars: the summary and, below it, the playhead's grip. */
export const HEAD_HEIGHT = 50;
export const AXIS_HEIGHT = 22;
const TICK_PX = 88;

export interface Picture {
  scale: Scale;
  height: number;
  inks: Inks;
  zone: Zone;
  counts: Overview | undefined;
  window: Span | null;
  drafting: boolean;
  position_us: number | null;
  now_us: number;
  live: boolean;
  hover_px: number | undefined;
}

type Pen = CanvasRenderingContext2D;

export function paintTimeline(pen: Pen, picture: Picture): void {
  paintWindow(pen, picture);
  paintBars(pen, picture);
  paintAxis(pen, picture);
  paintHover(pen, picture);
  paintHandles(pen, picture);
  paintEdge(pen, picture);
  paintPlayhead(pen, picture);
}

function paintBars(pen: Pen, { scale, height, inks, counts, window }: Picture): void {
  if (!counts) return;
  const base = height - AXIS_HEIGHT;
  const room = base - HEAD_HEIGHT - 4;
  const most = Math.max(1, ...counts.counts);
  const width = (counts.width_us / scale.length_us) * scale.width_px;
  const gap = width > 5 ? 1 : 0;
  for (const [i, count] of counts.counts.entries()) {
    if (!count) continue;
    const from_us = counts.start_us + i * counts.width_us;
    const [left, right] = [scale.px(from_us), scale.px(from_us + counts.width_us)];
    if (right < 0 || left > scale.width_px) continue;
    // A root keeps rare events visible beside a burst.
    const tall = Math.max(1.5, Math.sqrt(count / most) * room);
    const middle_us = from_us + counts.width_us / 2;
    const inside = window && middle_us >= window.start_us && middle_us < window.end_us;
    pen.fillStyle = inside ? inks.accent : inks.bar;
    pen.fillRect(left, base - tall, Math.max(1, right - left - gap), tall);
  }
}

function paintAxis(pen: Pen, { scale, height, inks, zone }: Picture): void {
  const base = height - AXIS_HEIGHT;
  pen.fillStyle = inks.line;
  pen.fillRect(0, base, scale.width_px, 1);
  pen.font = `400 11px ${SANS}`;
  pen.textBaseline = 'middle';
  const gap_us = (TICK_PX / scale.width_px) * scale.length_us;
  for (const { time_us, text, day } of ticksOf(scale.span.start_us, scale.span.end_us, gap_us, zone)) {
    const x = Math.round(scale.px(time_us));
    pen.fillStyle = inks.edge;
    pen.fillRect(x, base, 1, day ? 8 : 4);
    const wide = pen.measureText(text).width;
    if (x + 4 + wide > scale.width_px) continue;
    pen.fillStyle = day ? inks.ink : inks.faint;
    pen.fillText(text, x + 4, base + 12);
  }
}

function paintWindow(pen: Pen, { scale, height, inks, window }: Picture): void {
  if (!window) return;
  const [left, right] = [scale.px(window.start_us), scale.px(window.end_us)];
  pen.fillStyle = inks.wash;
  pen.fillRect(left, HEAD_HEIGHT - 4, right - left, height - AXIS_HEIGHT - HEAD_HEIGHT + 4);
}

function paintHandles(pen: Pen, { scale, height, inks, window, drafting }: Picture): void {
  if (!window) return;
  const base = height - AXIS_HEIGHT;
  const [left, right] = [Math.round(scale.px(window.start_us)), Math.round(scale.px(window.end_us))];
  pen.fillStyle = inks.accent;
  pen.fillRect(left, HEAD_HEIGHT - 4, right - left, 2);
  for (const x of [left, right - 1.5]) {
    pen.fillRect(x, HEAD_HEIGHT - 4, 1.5, base - HEAD_HEIGHT + 4);
    if (drafting) continue;
    const middle = (base + HEAD_HEIGHT) / 2;
    pen.beginPath();
    pen.roundRect(x - 3, middle - 11, 7.5, 22, 3.5);
    pen.fill();
    pen.fillStyle = inks.paper;
    pen.fillRect(x + 0.25, middle - 4, 1, 8);
    pen.fillStyle = inks.accent;
  }
}

function paintHover(pen: Pen, { scale, height, inks, hover_px }: Picture): void {
  if (hover_px === undefined || hover_px < 0 || hover_px > scale.width_px) return;
  pen.fillStyle = inks.edge;
  pen.fillRect(Math.round(hover_px), HEAD_HEIGHT - 4, 1, height - AXIS_HEIGHT - HEAD_HEIGHT + 4);
}

/** Now: beyond it nothing has happened yet. */
function paintEdge(pen: Pen, { scale, height, inks, now_us, live }: Picture): void {
  const x = Math.round(scale.px(now_us));
  if (x < 0 || x > scale.width_px) return;
  const base = height - AXIS_HEIGHT;
  pen.fillStyle = inks.live;
  pen.globalAlpha = live ? 1 : 0.55;
  for (let y = HEAD_HEIGHT - 4; y < base; y += 4) pen.fillRect(x, y, 1, live ? 4 : 2);
  pen.beginPath();
  pen.arc(x + 0.5, base, 3, 0, 7);
  pen.fill();
  pen.globalAlpha = 1;
}

function paintPlayhead(pen: Pen, { scale, height, inks, position_us, live }: Picture): void {
  if (position_us === null) return;
  const x = scale.px(position_us);
  if (x < -8 || x > scale.width_px + 8) return;
  const base = height - AXIS_HEIGHT;
  pen.fillStyle = live ? inks.live : inks.ink;
  pen.fillRect(x - 0.75, HEAD_HEIGHT - 10, 1.5, base - HEAD_HEIGHT + 10);
  pen.beginPath();
  pen.moveTo(x - 6, HEAD_HEIGHT - 18);
  pen.lineTo(x + 6, HEAD_HEIGHT - 18);
  pen.lineTo(x + 6, HEAD_HEIGHT - 12);
  pen.lineTo(x, HEAD_HEIGHT - 5);
  pen.lineTo(x - 6, HEAD_HEIGHT - 12);
  pen.closePath();
  pen.fill();
}
