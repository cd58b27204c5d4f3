/**
 * `<tivo-timeline>`: how many events lie where, the window that is played, and where it stands.
 *
 * Drag across it to choose a window, click to seek, double-click for all of it; the wheel zooms at the pointer and
 * pans sideways. Give it a `player`. Dispatches `tivo-window` ({start_us, end_us}, or null for all) and `tivo-seek`
 * ({time_us}); prevent these to act yourself, else it does what a user expects.
 */
import { LitElement, html, nothing } from 'lit';

import type { Overview, Player, Topic } from '../../lib/tivo.js';
import { matches, sum } from './counts.ts';
import { Listening } from './listening.ts';
import { look } from './look.ts';
import { inksOf } from './palette.ts';
import { Seeks } from './seeks.ts';
import { HOUR_US, SECOND_US, type Zone } from './time-text.ts';
import { HEAD_HEIGHT, paintTimeline } from './timeline-paint.ts';
import { type Grip, type TimelineView, countsTable, head, sliders, tooltip } from './timeline-parts.ts';
import { type Span, Scale, clampSpan, follow, zoomed } from './timeline-scale.ts';
import { timelineStyles } from './timeline-styles.ts';

const REFRESH_MS = 1000;
const DRAG_PX = 4;
const GRIP_PX = 8;
const BUCKET_PX = 4;
const SEEKS_PER_VIEW = 100;
const DOUBLE_MS = 220;

type Hold = Grip | 'window';
interface Drag {
  hold: Hold;
  from_px: number;
  to_px: number;
  moved: boolean;
  /** Let go of: it waits for the axis, if at all. */
  over: boolean;
  draft: Span | null;
}

export class TivoTimeline extends LitElement {
  static override properties = {
    player: { attribute: false },
    zone: { type: String },
    following: { type: Boolean },
    hint: { type: String },
  };
  declare player: Player | undefined;
  declare zone: Zone;
  /** Whether the view slides along with the live edge. */
  declare following: boolean;
  /** One line that stands on the timeline until it is used. */
  declare hint: string;

  #listening = new Listening(this, ['statechange']);
  #counts: Overview | undefined;
  /** What there is: first event to the live edge. */
  #extent: Span | undefined;
  #view: Span | undefined;
  #width = 0;
  #height = 0;
  #hover_px: number | undefined;
  #drag: Drag | undefined;
  #asked = 0;
  #timer = 0;
  #frame = 0;
  #clicked = 0;
  #seeks = new Seeks(
    async (time_us) => {
      if (this.#tell('tivo-seek', { time_us })) await this.player?.seek(time_us / 1e6);
    },
    (error) => this.#tell('tivo-refused', error),
  );
  #resizing = new ResizeObserver(([entry]) => this.#resized(entry!.contentRect));

  constructor() {
    super();
    this.zone = 'local';
    this.following = true;
    this.hint = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resizing.observe(this);
    this.#timer = window.setInterval(() => this.#refresh(), REFRESH_MS);
    const draw = () => {
      this.#frame = requestAnimationFrame(draw);
      this.#paint();
    };
    draw();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resizing.disconnect();
    clearInterval(this.#timer);
    cancelAnimationFrame(this.#frame);
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has('player')) return;
    this.#listening.to(this.player, { connection: () => this.#refresh() });
    if (changed.get('player')) this.#drag = undefined; // it was meant for the other one
    this.#counts = this.#extent = this.#view = undefined;
    this.#refresh();
  }

  /** Shows everything there is. */
  showAll(): void {
    this.#view = undefined;
    this.#refresh();
  }

  /** Shows a span of time, with a little room around it. */
  show(start_us: number, end_us: number): void {
    const room_us = (end_us - start_us) * 0.25;
    this.#look({ start_us: start_us - room_us, end_us: end_us + room_us });
  }

  zoom(factor: number, at_px = this.#width / 2): void {
    const scale = this.#scale();
    if (scale) this.#look(zoomed(scale.span, scale.time(at_px), factor));
  }

  get #now_us(): number {
    return this.player?.wall_us || Date.now() * 1000;
  }

  /** The window the player holds, unbounded sides at the ends of what there is; null where it is all of it. */
  get #window(): Span | null {
    const { start_us = null, end_us = null } = this.player?.state ?? {};
    if (start_us === null && end_us === null) return null;
    return { start_us: start_us ?? this.#extent?.start_us ?? 0, end_us: end_us ?? this.#now_us };
  }

  #scale(): Scale | undefined {
    const view = this.#view ?? this.#all();
    return view && this.#width ? new Scale(view, this.#width) : undefined;
  }

  #all(): Span | undefined {
    if (!this.#extent) return undefined;
    const { start_us, end_us } = this.#extent;
    const room_us = Math.max((end_us - start_us) * 0.02, SECOND_US);
    return { start_us: start_us - room_us / 2, end_us: end_us + room_us };
  }

  #look(view: Span): void {
    this.#view = clampSpan(view, this.#all() ?? view);
    this.#refresh();
  }

  #resized({ width, height }: { width: number; height: number }): void {
    [this.#width, this.#height] = [width, height];
    this.#refresh();
  }

  /** Asks for the counts of what is in view; the newest question counts. */
  async #refresh(): Promise<void> {
    const { player } = this;
    if (!player || player.connection !== 'open' || !this.#width) return;
    const asked = (this.#asked += 1);
    try {
      if (!this.#extent) await this.#learnExtent(player);
      this.#settle();
      const scale = this.#scale();
      if (!scale) return;
      const { start_us, end_us } = scale.span;
      const buckets = Math.max(10, Math.floor(this.#width / BUCKET_PX));
      const window = { start: start_us / 1e6, end: Math.min(end_us, this.#now_us) / 1e6, buckets };
      if (window.end <= window.start) return;
      const { topics } = await player.command('overview', window);
      if (asked !== this.#asked || player !== this.player) return;
      this.#counts = sum(Object.values(topics));
      this.requestUpdate();
    } catch {
      // Away for the moment: what was counted stays on show, and the next refresh asks again.
    }
  }

  async #learnExtent(player: Player): Promise<void> {
    const { topics }: { topics: Topic[] } = await player.command('topics');
    const played = topics.filter(({ name }) => [...player.topics].some((pattern) => matches(pattern, name)));
    const firsts = played.map(({ first_us }) => first_us).filter((time) => time !== null);
    const now_us = this.#now_us;
    this.#extent = { start_us: firsts.length ? Math.min(...firsts) : now_us - HOUR_US, end_us: now_us };
  }

  #paint(): void {
    const canvas = this.renderRoot.querySelector?.('canvas');
    if (!canvas || !this.#width) return;
    const now_us = this.#now_us;
    // Behind the live edge the axis is pinned; only who follows slides along.
    if (this.#extent) {
      if (this.following && this.player?.live) this.#extent = { ...this.#extent, end_us: now_us };
      if (this.following && this.player?.live && this.#view) this.#view = follow(this.#view, now_us);
    }
    const scale = this.#scale();
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(this.#width * ratio), Math.round(this.#height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext('2d')!;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.#width, this.#height);
    if (!scale) return;
    paintTimeline(pen, {
      scale,
      height: this.#height,
      inks: inksOf(this),
      zone: this.zone,
      counts: this.#counts,
      window: this.#drag?.draft ?? this.#window,
      drafting: Boolean(this.#drag?.draft),
      position_us: this.#seeks.wanted_us ?? this.player?.position_us ?? null,
      now_us,
      live: this.player?.live ?? false,
      hover_px: this.#drag?.moved ? undefined : this.#hover_px,
    });
    this.#placeSliders(scale);
  }

  /** The sliders that a keyboard holds stand where the canvas paints them. */
  #placeSliders(scale: Scale): void {
    const place = (selector: string, time_us: number | null | undefined) => {
      const slider = this.renderRoot.querySelector<HTMLElement>(selector);
      if (!slider) return;
      const px = time_us == null ? -99 : scale.px(time_us);
      slider.style.transform = `translateX(${Math.round(px)}px)`;
      slider.style.visibility = px < -1 || px > this.#width + 1 ? 'hidden' : 'visible';
    };
    place('.playhead', this.player?.position_us);
    place('.from', this.#window?.start_us);
    place('.to', this.#window?.end_us);
  }

  #px(event: MouseEvent): number {
    return event.clientX - this.getBoundingClientRect().left;
  }

  #holdAt(px: number, y: number, coarse: boolean): Hold {
    const scale = this.#scale();
    const window = this.#window;
    const near = (time_us: number | null | undefined) =>
      scale && time_us != null && Math.abs(scale.px(time_us) - px) <= (coarse ? GRIP_PX * 2 : GRIP_PX);
    if (y < HEAD_HEIGHT + 12 && near(this.player?.position_us)) return 'playhead';
    if (window && near(window.start_us)) return 'start';
    if (window && near(window.end_us)) return 'end';
    return 'window';
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const px = this.#px(event);
    const y = event.clientY - this.getBoundingClientRect().top;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    const hold = this.#holdAt(px, y, event.pointerType === 'touch');
    this.#drag = { hold, from_px: px, to_px: px, moved: false, over: false, draft: null };
  }

  #move(event: PointerEvent): void {
    const px = this.#px(event);
    const y = event.clientY - this.getBoundingClientRect().top;
    this.#hover_px = px;
    const drag = this.#drag;
    const canvas = event.currentTarget as HTMLElement;
    if (!drag || drag.over) {
      const hold = this.#holdAt(px, y, false);
      canvas.style.cursor = hold === 'window' ? 'crosshair' : hold === 'playhead' ? 'grab' : 'ew-resize';
    } else {
      drag.to_px = px;
      drag.moved ||= Math.abs(px - drag.from_px) >= DRAG_PX;
      this.#dragOn(drag);
    }
    this.requestUpdate();
  }

  #dragOn(drag: Drag): void {
    const scale = this.#scale();
    if (!scale || !drag.moved) return;
    const time_us = Math.round(scale.time(Math.max(0, Math.min(this.#width, drag.to_px))));
    if (drag.hold === 'playhead') return this.#scrub(time_us);
    const window = this.#window;
    const other_us =
      drag.hold === 'window' || !window
        ? scale.time(drag.from_px)
        : drag.hold === 'start'
          ? window.end_us
          : window.start_us;
    drag.draft = { start_us: Math.round(Math.min(time_us, other_us)), end_us: Math.round(Math.max(time_us, other_us)) };
  }

  #up(event: PointerEvent): void {
    const drag = this.#drag;
    if (!drag) return;
    drag.over = true;
    if (event.type === 'pointercancel') this.#drag = undefined;
    else this.#settle();
    this.requestUpdate();
  }

  /** Does what a drag that is over asked for: at once, or when the axis has come on which it was drawn. */
  #settle(): void {
    const drag = this.#drag;
    const scale = this.#scale();
    if (!drag?.over || !scale) return;
    this.#drag = undefined;
    if (drag.hold === 'window') this.#dragOn(drag);
    if (drag.draft && drag.draft.end_us > drag.draft.start_us) this.#choose(drag.draft);
    else if (!drag.moved) this.#click(Math.round(scale.time(drag.to_px)));
  }

  /** A click seeks, unless it turns out to be the first half of a double-click. */
  #click(time_us: number): void {
    clearTimeout(this.#clicked);
    this.#clicked = window.setTimeout(() => this.#scrub(time_us), DOUBLE_MS);
  }

  #doubleClick(): void {
    clearTimeout(this.#clicked);
    this.#drag = undefined;
    this.showAll();
    this.#choose(null);
  }

  #wheel(event: WheelEvent): void {
    const scale = this.#scale();
    if (!scale) return;
    event.preventDefault();
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      const by_us = (sideways / this.#width) * scale.length_us;
      return this.#look({ start_us: scale.span.start_us + by_us, end_us: scale.span.end_us + by_us });
    }
    this.zoom(1.0018 ** event.deltaY, this.#px(event));
  }

  #choose(window: Span | null): void {
    if (!this.#tell('tivo-window', window)) return;
    this.player?.play({
      start: window ? window.start_us / 1e6 : 'unbounded',
      end: window ? window.end_us / 1e6 : 'unbounded',
    });
  }

  #scrub(time_us: number): void {
    const window = this.#window;
    const last_us = Math.min(window?.end_us ?? Infinity, this.#now_us) - 1;
    this.#seeks.to(Math.round(Math.max(window?.start_us ?? -Infinity, Math.min(last_us, time_us))));
  }

  #tell(type: string, detail: unknown): boolean {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable: true }));
  }

  #key(event: KeyboardEvent, hold: Grip): void {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key];
    const scale = this.#scale();
    if (!steps || !scale || !this.player) return;
    event.preventDefault();
    event.stopPropagation();
    const by_us = (steps * scale.length_us) / SEEKS_PER_VIEW;
    const window = this.#window;
    if (hold === 'playhead') this.#scrub(this.player.position_us + by_us);
    else if (window)
      this.#choose(
        hold === 'start'
          ? { ...window, start_us: Math.round(Math.min(window.start_us + by_us, window.end_us - 1)) }
          : { ...window, end_us: Math.round(Math.max(window.end_us + by_us, window.start_us + 1)) },
      );
  }

  override render() {
    const scale = this.#scale();
    return html`
      <canvas
        @pointerdown=${this.#down}
        @pointermove=${this.#move}
        @pointerup=${this.#up}
        @pointercancel=${this.#up}
        @pointerleave=${() => {
          this.#hover_px = undefined;
          this.requestUpdate();
        }}
        @dblclick=${this.#doubleClick}
        @wheel=${this.#wheel}
        aria-hidden="true"
      ></canvas>
      ${scale ? this.#over(scale) : nothing} ${this.#counts ? countsTable(this.#counts, this.zone) : nothing}
    `;
  }

  /** Everything in words above the picture. */
  #over(scale: Scale) {
    const view: TimelineView = {
      scale,
      zone: this.zone,
      counts: this.#counts,
      now_us: this.#now_us,
      position_us: this.player?.position_us ?? 0,
      window: this.#window,
      draft: this.#drag?.draft ?? null,
      rate: this.player?.playbackRate ?? 1,
      following: this.following,
    };
    const hover_px = this.#hover_px;
    return html`
      ${sliders(view, (event, hold) => this.#key(event, hold))}
      ${hover_px === undefined ? nothing : tooltip(view, hover_px)}
      ${this.hint && !this.#drag && hover_px === undefined ? html`<p class="hint">${this.hint}</p>` : nothing}
      ${head(view, {
        clear: () => this.#choose(null),
        zoom: (factor) => this.zoom(factor),
        all: () => this.showAll(),
        follow: () => this.toggleFollow(),
      })}
    `;
  }

  toggleFollow(): void {
    this.following = !this.following;
    if (this.following) this.#extent = this.#extent && { ...this.#extent, end_us: this.#now_us };
  }

  static override styles = [look, timelineStyles];
}

customElements.define('tivo-timeline', TivoTimeline);
