/** `<tivo-topics>`: what there is to play: name, how much, how fast, when last, and the shape of the last hour. */
import { LitElement, css, html, nothing, svg } from 'lit';

import type { Tivo, Topic } from '../../lib/tivo.js';
import { icon, look } from './look.ts';
import { HOUR_US, agoText, countText, rateText } from './time-text.ts';

const REFRESH_MS = 2000;
const SHAPE_EVERY = 5;
const SHAPE_BUCKETS = 60;

export class TivoTopics extends LitElement {
  static override properties = {
    tivo: { attribute: false },
    chosen: { type: String },
    topics: { state: true },
    making: { state: true },
    refused: { state: true },
    sought: { state: true },
  };
  declare tivo: Tivo | undefined;
  declare chosen: string | undefined;
  declare topics: Topic[] | undefined;
  declare making: boolean;
  declare refused: string;
  declare sought: string;

  #shapes = new Map<string, number[]>();
  #timer = 0;
  #turns = 0;
  #now_us = Date.now() * 1000;

  constructor() {
    super();
    this.making = false;
    this.refused = this.sought = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = window.setInterval(() => document.hidden || this.refresh(), REFRESH_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('tivo')) this.refresh();
  }

  async refresh(): Promise<void> {
    if (!this.tivo) return;
    try {
      this.topics = await this.tivo.topics();
      this.#now_us = Date.now() * 1000;
      this.dispatchEvent(new CustomEvent('tivo-topics', { detail: this.topics }));
      if (this.#turns++ % SHAPE_EVERY === 0) await this.#refreshShapes(this.topics);
    } catch (error) {
      this.dispatchEvent(new CustomEvent('tivo-topics', { detail: error }));
    }
  }

  async #refreshShapes(topics: Topic[]): Promise<void> {
    const end_us = this.#now_us;
    const window = { start: (end_us - HOUR_US) / 1e6, end: end_us / 1e6, buckets: SHAPE_BUCKETS };
    for (const { name, events } of topics) {
      if (!events) continue;
      const { start_us, width_us, counts } = await this.tivo!.overview(name, window);
      // Slices that the hour cuts are left out: half a slice looks like a fall.
      const whole = counts.filter(
        (_, i) => start_us + i * width_us >= end_us - HOUR_US && start_us + (i + 1) * width_us <= end_us,
      );
      this.#shapes.set(name, whole);
    }
    this.requestUpdate();
  }

  #choose(topic: string): void {
    this.dispatchEvent(new CustomEvent('tivo-choose', { detail: topic }));
  }

  async #make(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const name = String(new FormData(event.target as HTMLFormElement).get('name')).trim();
    try {
      await this.tivo!.createTopic(name);
      this.making = false;
      this.refused = '';
      await this.refresh();
      this.#choose(name);
    } catch (error) {
      this.refused = (error as Error).message;
    }
  }

  override updated(changed: Map<string, unknown>): void {
    if (changed.has('making') && this.making) this.renderRoot.querySelector<HTMLInputElement>('form input')?.focus();
  }

  override render() {
    const topics = (this.topics ?? []).filter(({ name }) => name.includes(this.sought));
    return html`
      <header>
        <h2>Topics</h2>
        <button
          class="icon"
          title="New topic"
          aria-label="New topic"
          aria-expanded=${this.making}
          @click=${() => (this.making = !this.making)}
        >
          ${icon('plus')}
        </button>
      </header>
      ${this.making ? this.#form() : nothing}
      ${
        (this.topics?.length ?? 0) > 8
          ? html`<input
              type="search"
              placeholder="Find a topic"
              aria-label="Find a topic"
              .value=${this.sought}
              @input=${(event: Event) => (this.sought = (event.target as HTMLInputElement).value)}
            />`
          : nothing
      }
      <ul>
        ${topics.map((topic) => this.#row(topic))}
      </ul>
    `;
  }

  #form() {
    return html`<form @submit=${this.#make}>
      <input
        type="text"
        name="name"
        required
        maxlength="249"
        pattern="[a-zA-Z0-9._\\-]+"
        title="Letters, digits, dots, underscores and hyphens, at most 249"
        @keydown=${(event: KeyboardEvent) => event.key === 'Escape' && (this.making = false)}
        placeholder="Name"
        aria-label="Name of the new topic"
        autocomplete="off"
        spellcheck="false"
      />
      <button class="filled">Make</button>
      ${this.refused ? html`<p role="alert">${this.refused}</p>` : nothing}
    </form>`;
  }

  #row({ name, events, rate, last_us }: Topic) {
    return html`<li>
      <button aria-current=${name === this.chosen ? 'true' : 'false'} @click=${() => this.#choose(name)}>
        <b>${name}</b>
        ${sparkline(this.#shapes.get(name) ?? [])}
        <small>${countText(events)} event${events === 1 ? '' : 's'}</small>
        <small class="rate"
          >${events ? html`${rateText(rate)}<i> · ${last_us ? agoText(last_us, this.#now_us) : 'never'}</i>` : 'empty'}</small
        >
      </button>
    </li>`;
  }

  static override styles = [
    look,
    css`
      :host {
        display: block;
        overflow-y: auto;
        padding: 10px;
        scrollbar-width: thin;
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        height: 32px;
        padding-left: 10px;
      }
      h2 {
        margin: 0;
        font-size: 12px;
        font-weight: 500;
        color: var(--tivo-quiet);
      }
      ul {
        list-style: none;
        margin: 4px 0 0;
        padding: 0;
        display: grid;
        gap: 2px;
      }
      li button {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 0 10px;
        width: 100%;
        height: auto;
        padding: 8px 10px;
        text-align: left;
        justify-items: start;
        border-radius: 8px;
      }
      li button > :nth-child(even) {
        justify-self: end;
      }
      li b {
        font-weight: 500;
        color: var(--tivo-ink);
        max-width: 100%;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      li button[aria-current='true'] {
        background: var(--tivo-wash);
        box-shadow: inset 2px 0 var(--tivo-accent);
      }
      small {
        font-size: 12px;
        color: var(--tivo-faint);
      }
      small i {
        font-style: normal;
      }
      svg.spark {
        width: 76px;
        height: 20px;
        fill: none;
        stroke: var(--tivo-bar);
        stroke-width: 1.25;
        stroke-linejoin: round;
      }
      [aria-current='true'] svg.spark {
        stroke: var(--tivo-accent);
      }
      form {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 6px;
        padding: 6px 10px 10px;
      }
      form p {
        grid-column: 1 / -1;
        margin: 0;
        font-size: 12px;
        color: var(--tivo-live);
      }
      input {
        width: 100%;
        min-width: 0;
      }
    `,
  ];
}

function sparkline(counts: number[]) {
  if (counts.length < 2) return svg`<svg class="spark" aria-hidden="true"></svg>`;
  const most = Math.max(1, ...counts);
  const points = counts.map(
    (count, i) => `${((i / (counts.length - 1)) * 76).toFixed(1)},${(18.5 - (count / most) * 17).toFixed(1)}`,
  );
  return svg`<svg class="spark" viewBox="0 0 76 20" preserveAspectRatio="none" aria-hidden="true"><polyline points=${points.join(' ')} /></svg>`;
}

customElements.define('tivo-topics', TivoTopics);
