/**
 * `<tivo-events>`: the events as they are shown, newest first, and one of them in full. Stopping never clears it; a new
 * epoch is a line between. Only the rows in view exist in the page.
 */
import { LitElement, html, nothing } from 'lit';

import type { Event, Frame, Player } from '../../lib/tivo.js';
import { copy } from './clipboard.ts';
import { eventListStyles } from './event-list-styles.ts';
import { jsonStyles, jsonView } from './json-view.ts';
import { Listening } from './listening.ts';
import { icon, look } from './look.ts';
import { oneLine } from './one-line.ts';
import { asCurl } from './snippets.ts';
import { type Zone, dateText, isoText, timeText } from './time-text.ts';

const ROW_PX = 26;
const HELD = 2000;
const RENDER_MS = 100;
const BREAKS: Record<string, string> = {
  loop: 'again from the start',
  seek: 'moved',
  play: 'new window',
  window: 'new window',
  subscribe: 'other topics',
  topics: 'topics changed',
};

interface Row {
  event?: Event;
  text?: string;
  /** Numbers rows for ever, so that a row stays the same as others come. */
  nth: number;
}

export class TivoEvents extends LitElement {
  static override properties = { player: { attribute: false }, zone: { type: String }, waiting: { state: true } };
  declare player: Player | undefined;
  declare zone: Zone;
  declare waiting: number;

  #listening = new Listening(this, []);
  #rows: Row[] = [];
  #nth = 0;
  #chosen: Event | undefined;
  #timer = 0;
  #scrolled = 0;
  #tall = 400;
  #resizing = new ResizeObserver(() => this.requestUpdate());
  #copied = '';

  constructor() {
    super();
    this.zone = 'local';
    this.waiting = 0;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resizing.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resizing.disconnect();
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has('player')) return;
    this.clear();
    this.#listening.to(this.player, {
      events: ({ events }: Frame) => this.#add(events.map((event) => ({ event, nth: (this.#nth += 1) }))),
      reset: ({ why }) => this.#rows.length && this.#add([{ text: BREAKS[why] ?? why, nth: (this.#nth += 1) }]),
      gap: (gap) =>
        this.#add([{ text: `${gap.to_offset - gap.from_offset} missing: ${gap.reason}`, nth: (this.#nth += 1) }]),
    });
  }

  /** Shows nothing that was: it was chosen by another filter. */
  clear(): void {
    this.#rows = [];
    this.#chosen = undefined;
    this.waiting = this.#scrolled = 0;
    this.requestUpdate();
  }

  /** Events from before the first that was played, oldest first; they go below all others. */
  prefill(events: Event[]): void {
    const here = new Set(this.#rows.map(({ event }) => event?.id));
    const older = events.filter(({ id }) => !here.has(id)).map((event) => ({ event, nth: (this.#nth += 1) }));
    this.#rows.push(...older.toReversed());
    this.requestUpdate();
  }

  #add(rows: Row[]): void {
    const last = this.#rows[0];
    if (rows[0]?.text !== undefined && last?.text !== undefined && !last.event) this.#rows.shift();
    this.#rows.unshift(...rows.toReversed());
    this.#rows.length = Math.min(this.#rows.length, HELD);
    if (this.#scrolled > ROW_PX) {
      // Whoever reads further down keeps what he reads under his eyes.
      this.waiting += rows.length;
      const box = this.renderRoot.querySelector('.rows');
      if (box) box.scrollTop += rows.length * ROW_PX;
    }
    this.#timer ||= window.setTimeout(() => {
      this.#timer = 0;
      this.requestUpdate();
    }, RENDER_MS);
  }

  #scroll(event: globalThis.Event): void {
    const box = event.target as HTMLElement;
    this.#scrolled = box.scrollTop;
    if (this.#scrolled <= ROW_PX) this.waiting = 0;
    this.requestUpdate();
  }

  #choose(event: Event | undefined): void {
    this.#chosen = this.#chosen === event ? undefined : event;
    this.requestUpdate();
  }

  #key(pressed: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[pressed.key];
    if (!step) return;
    pressed.preventDefault();
    pressed.stopPropagation();
    const events = this.#rows.filter(({ event }) => event);
    const at = events.findIndex(({ event }) => event === this.#chosen);
    const next = events[Math.max(0, Math.min(events.length - 1, at + step))]?.event;
    if (next && next !== this.#chosen) this.#choose(next);
    const row = this.#rows.findIndex(({ event }) => event === next);
    const box = this.renderRoot.querySelector('.rows')!;
    if (row * ROW_PX < box.scrollTop) box.scrollTop = row * ROW_PX;
    else if ((row + 1) * ROW_PX > box.scrollTop + box.clientHeight)
      box.scrollTop = (row + 1) * ROW_PX - box.clientHeight;
  }

  async #copy(what: string, text: string): Promise<void> {
    await copy(text);
    this.#copied = what;
    this.requestUpdate();
    setTimeout(() => {
      this.#copied = '';
      this.requestUpdate();
    }, 1200);
  }

  override render() {
    const box = this.renderRoot.querySelector?.('.rows');
    this.#tall = box?.clientHeight || this.#tall;
    const from = Math.max(0, Math.floor(this.#scrolled / ROW_PX) - 4);
    const shown = this.#rows.slice(from, from + Math.ceil(this.#tall / ROW_PX) + 8);
    return html`
      <header>
        <h2>Events</h2>
        ${
          this.waiting
            ? html`<button class="fresh" @click=${() => this.renderRoot.querySelector('.rows')?.scrollTo({ top: 0 })}>
                ↑ ${this.waiting} newer
              </button>`
            : html`<span>${this.#rows.length ? 'newest first' : ''}</span>`
        }
      </header>
      <div
        class="rows"
        role="listbox"
        tabindex="0"
        aria-label="Events, newest first"
        @scroll=${this.#scroll}
        @keydown=${this.#key}
      >
        ${this.#rows.length ? nothing : html`<p class="none">Events appear here as they are played.</p>`}
        <div class="all" style="height:${this.#rows.length * ROW_PX}px">
          ${shown.map((row, i) => this.#row(row, (from + i) * ROW_PX))}
        </div>
      </div>
      ${this.#chosen ? this.#detail(this.#chosen) : nothing}
    `;
  }

  #row({ event, text }: Row, top: number) {
    if (!event) return html`<div class="break" style="top:${top}px"><span>${text}</span></div>`;
    const mark = event.late ? 'late' : event.early ? 'early' : '';
    return html`<div
      class="row"
      role="option"
      aria-selected=${event === this.#chosen}
      style="top:${top}px"
      @click=${() => this.#choose(event)}
    >
      <time>${timeText(event.time_us, this.zone, 'milli')}</time>
      ${mark ? html`<em title=${mark === 'late' ? 'It came in after its place had been played' : 'It is dated later than now'}>${mark}</em>` : nothing}
      <b>${event.key === null ? '' : oneLine(event.key)}</b>
      <span>${oneLine(event.value, event.key)}</span>
    </div>`;
  }

  #detail(event: Event) {
    const json = JSON.stringify(event, null, 2);
    const button = (what: string, text: string) =>
      html`<button @click=${() => this.#copy(what, text)}>
        ${icon(this.#copied === what ? 'check' : 'copy')}${what}
      </button>`;
    return html`<section class="detail" aria-label="The chosen event">
      <div class="tools">
        <button @click=${() => this.player?.seek(event.time_us / 1e6)}>${icon('seek')}Seek</button>
        ${button('JSON', json)} ${button('curl', asCurl(event))}
        <button class="icon" aria-label="Close" @click=${() => this.#choose(undefined)}>${icon('close')}</button>
      </div>
      <dl>
        <dt>time</dt>
        <dd title=${isoText(event.time_us, true)}>
          ${dateText(event.time_us, this.zone)} ${timeText(event.time_us, this.zone, 'milli')}
        </dd>
        <dt>key</dt>
        <dd>${event.key === null ? '∅' : oneLine(event.key)}</dd>
        <dt>place</dt>
        <dd>${event.topic} / ${event.partition} / ${event.offset}</dd>
        <dt>id</dt>
        <dd class="id">${event.id}</dd>
      </dl>
      ${jsonView(event.value)}
      ${
        Object.keys(event.headers ?? {}).length
          ? html`<details>
              <summary>headers</summary>
              ${jsonView(event.headers)}
            </details>`
          : nothing
      }
    </section>`;
  }

  static override styles = [look, jsonStyles, eventListStyles];
}

customElements.define('tivo-events', TivoEvents);
