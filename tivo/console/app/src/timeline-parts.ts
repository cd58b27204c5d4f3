/** What the timeline says in words above its picture, and what a keyboard or a screen reader holds of it. */
import { html, nothing } from 'lit';

import type { Overview } from '../../lib/tivo.js';
import { countAt, countIn, tableRows } from './counts.ts';
import { icon } from './look.ts';
import type { Scale, Span } from './timeline-scale.ts';
import { MINUTE_US, type Zone, agoText, countText, dateText, spanText, spokenTime, timeText } from './time-text.ts';

const TIP_PX = 84;

export type Grip = 'playhead' | 'start' | 'end';

export interface TimelineView {
  scale: Scale;
  zone: Zone;
  counts: Overview | undefined;
  now_us: number;
  position_us: number;
  window: Span | null;
  /** The window that is being drawn. */
  draft: Span | null;
  rate: number;
  following: boolean;
}

export interface HeadActions {
  clear(): void;
  zoom(factor: number): void;
  all(): void;
  follow(): void;
}

/** The line above the bars: what the window is, and the tools of the view. */
export function head(view: TimelineView, act: HeadActions) {
  const tool = (name: 'minus' | 'plus' | 'all', label: string, does: () => void) =>
    html`<button class="icon" title=${label} aria-label=${label} @click=${does}>${icon(name)}</button>`;
  return html`<div class="head">
    ${summary(view, act)}
    <span class="grow"></span>
    ${tool('minus', 'Zoom out', () => act.zoom(1.8))} ${tool('plus', 'Zoom in', () => act.zoom(1 / 1.8))}
    ${tool('all', 'Show all (double-click)', act.all)}
    <button
      class="icon"
      title="Follow the live edge (F)"
      aria-label="Follow the live edge"
      aria-pressed=${view.following}
      @click=${act.follow}
    >
      ${icon('follow')}
    </button>
  </div>`;
}

/** What the window is and how it is played; without one, how much is in view. */
function summary({ scale, zone, window, draft, rate }: TimelineView, { clear }: HeadActions) {
  const shown = draft ?? window;
  if (!shown) return html`<span>${spanText(scale.length_us)} in view</span>`;
  const { start_us, end_us } = shown;
  const length_us = end_us - start_us;
  const fine = length_us < 10 * MINUTE_US ? 'second' : 'minute';
  const plays = Number.isFinite(rate) && !draft ? `, plays in ${spanText(length_us / rate)}` : '';
  return html`<span class="window">
      <b>${timeText(start_us, zone, fine)} – ${timeText(end_us, zone, fine)}</b> ${spanText(length_us)}${plays}
    </span>
    <button class="icon" title="No window (double-click)" aria-label="No window" @click=${clear}>
      ${icon('close')}
    </button>`;
}

/** Playhead and window bounds as sliders; the canvas paints them, the timeline puts these in the same places. */
export function sliders(view: TimelineView, key: (event: KeyboardEvent, grip: Grip) => void) {
  const { scale, zone, window, position_us } = view;
  const slider = (name: string, label: string, grip: Grip, time_us: number) =>
    html`<div
      class="slider ${name}"
      role="slider"
      tabindex="0"
      aria-label=${label}
      aria-orientation="horizontal"
      aria-valuemin=${Math.round(scale.span.start_us / 1e6)}
      aria-valuemax=${Math.round(scale.span.end_us / 1e6)}
      aria-valuenow=${Math.round(time_us / 1e6)}
      aria-valuetext=${spokenTime(time_us, zone)}
      @keydown=${(event: KeyboardEvent) => key(event, grip)}
    ></div>`;
  return html`
    ${slider('playhead', 'Position', 'playhead', position_us)}
    ${window ? slider('from', 'Start of the window', 'start', window.start_us) : nothing}
    ${window ? slider('to', 'End of the window', 'end', window.end_us) : nothing}
  `;
}

/** Time and count under the pointer, or length and count of the window being drawn. */
export function tooltip({ scale, zone, counts, now_us, draft }: TimelineView, px: number) {
  const time_us = scale.time(px);
  const left = Math.max(TIP_PX, Math.min(scale.width_px - TIP_PX, px));
  const [first, second] = draft
    ? [spanText(draft.end_us - draft.start_us), `${countText(countIn(counts, draft))} events`]
    : [
        `${dateText(time_us, zone, false)} ${timeText(time_us, zone)}`,
        `${agoText(time_us, now_us)} · ${countAt(counts, time_us)}`,
      ];
  return html`<div class="tip" style="left:${left}px"><b>${first}</b><span>${second}</span></div>`;
}

/** The histogram for those who do not see it. */
export function countsTable(counts: Overview, zone: Zone) {
  const { rows, width_us } = tableRows(counts);
  return html`<table class="unseen">
    <caption>
      Events per ${spanText(width_us)}
    </caption>
    ${rows.map(
      ({ time_us, events }) =>
        html`<tr>
          <th scope="row">${spokenTime(time_us, zone)}</th>
          <td>${events}</td>
        </tr>`,
    )}
  </table>`;
}
