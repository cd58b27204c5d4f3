/** Time ⇄ pixels of the timeline, and how its view moves. */
import { SECOND_US } from './time-text.ts';

export interface Span {
  start_us: number;
  end_us: number;
}

/** Where the live edge stands in a view that follows it. */
const EDGE = 0.96;
const SHORTEST_US = SECOND_US / 10;

export class Scale {
  constructor(
    readonly span: Span,
    readonly width_px: number,
  ) {}

  get length_us(): number {
    return this.span.end_us - this.span.start_us;
  }

  px(time_us: number): number {
    return ((time_us - this.span.start_us) / this.length_us) * this.width_px;
  }

  time(px: number): number {
    return this.span.start_us + (px / this.width_px) * this.length_us;
  }
}

/** A view so much longer (or shorter) around a time that stays where it is. */
export function zoomed({ start_us, end_us }: Span, at_us: number, factor: number): Span {
  const length_us = Math.max(SHORTEST_US, (end_us - start_us) * factor);
  const left = (at_us - start_us) / (end_us - start_us);
  return { start_us: at_us - left * length_us, end_us: at_us + (1 - left) * length_us };
}

/** A view that lies within what there is, and is no longer than it. */
export function clampSpan({ start_us, end_us }: Span, all: Span): Span {
  const length_us = Math.min(Math.max(end_us - start_us, SHORTEST_US), all.end_us - all.start_us);
  const from_us = Math.max(all.start_us, Math.min(all.end_us - length_us, start_us));
  return { start_us: from_us, end_us: from_us + length_us };
}

/** A view slid on where the live edge would leave it; one that does not show the edge stays. */
export function follow(view: Span, edge_us: number): Span {
  const length_us = view.end_us - view.start_us;
  const by_us = edge_us - (view.start_us + EDGE * length_us);
  if (by_us <= 0 || by_us > length_us) return view;
  return { start_us: view.start_us + by_us, end_us: view.end_us + by_us };
}
