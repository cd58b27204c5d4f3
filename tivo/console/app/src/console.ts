/** `<tivo-console>`: the page. One topic is open at a time, with a player of its own; the address says what is shown. */
import { LitElement, html, nothing } from 'lit';

import { type Event, type Frame, Player, Tivo, type TivoError, type Topic } from '../../lib/tivo.js';
import { type View, bounds, readView, writeView } from './address.ts';
import { consoleStyles } from './console-styles.ts';
import type { TivoControls } from './controls.ts';
import './controls.ts';
import type { TivoGoto } from './dialogs.ts';
import './dialogs.ts';
import type { TivoEvents } from './event-list.ts';
import './event-list.ts';
import { keyboard } from './keyboard.ts';
import { type Login, logOut, whoIs } from './login.ts';
import './login.ts';
import { icon } from './look.ts';
import { type Theme, showTheme } from './palette.ts';
import { prefer, preferences } from './preferences.ts';
import type { TivoScene } from './scene.ts';
import './scene.ts';
import { type Playing, base, howToProduce } from './snippets.ts';
import { type Zone, agoText, countText, isoText, rateText, spanText } from './time-text.ts';
import type { TivoTimeline } from './timeline.ts';
import './timeline.ts';
import './topic-list.ts';
import { Traffic } from './traffic.ts';

const FIT_S = 20;
const HINT_MS = 4000;
const ADDRESS_MS = 400;
const NOTE_MS = 6000;
const RECENT_US = 30 * 60e6;
const RECENT_EVENTS = 400;
const THEMES: Theme[] = ['auto', 'light', 'dark'];

export class TivoConsole extends LitElement {
  static override properties = {
    player: { state: true },
    topic: { state: true },
    topics: { state: true },
    away: { state: true },
    zone: { state: true },
    theme: { state: true },
    hint: { state: true },
    note: { state: true },
    drawer: { state: true },
    login: { state: true },
    locked: { state: true },
  };
  declare player: Player | undefined;
  declare topic: string | undefined;
  declare topics: Topic[] | undefined;
  declare away: string;
  declare zone: Zone;
  declare theme: Theme;
  declare hint: string;
  declare note: string;
  declare drawer: boolean;
  /** Who is in, where the gateway asks. */
  declare login: Login | undefined;
  /** Why nothing is shown until somebody logs in; an empty reason is one too. */
  declare locked: string | undefined;

  readonly tivo = new Tivo(base());
  #traffic = new Traffic();
  #key = '';
  #timers: number[] = [];
  #addressTimer = 0;
  #keys = keyboard(this);
  #noteTimer = 0;

  constructor() {
    super();
    ({ zone: this.zone, theme: this.theme } = preferences());
    this.away = this.hint = this.note = '';
    this.drawer = false;
    showTheme(this.theme);
    whoIs().then((login) => (this.login = login));
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('keydown', this.#keys);
    addEventListener('popstate', this.#popped);
    this.#timers = [
      window.setInterval(() => this.#measure(), 500),
      window.setTimeout(() => this.#offerHint(), HINT_MS),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('keydown', this.#keys);
    removeEventListener('popstate', this.#popped);
    for (const timer of this.#timers) clearInterval(timer);
    this.player?.close();
  }

  #popped = () => {
    const view = readView(location.search);
    if (view.topic) this.#open(view.topic, view);
  };

  #heardTopics({ detail }: CustomEvent<Topic[] | Error>): void {
    if (detail instanceof Error) {
      if ((detail as TivoError).status === 401) this.#lock();
      else this.away = detail instanceof TypeError ? 'tivo does not answer; trying again …' : detail.message;
      return;
    }
    this.away = '';
    this.topics = detail;
    if (this.topic || !detail.length) return;
    const view = readView(location.search);
    const first = detail.find(({ events }) => events) ?? detail[0]!;
    this.#open(view.topic ?? first.name, view);
  }

  /** Opens a topic: live, or the window of a link. */
  async #open(topic: string, view: View = {}): Promise<void> {
    this.player?.close();
    this.#traffic = new Traffic();
    this.topic = topic;
    this.drawer = false;
    this.#key = view.key ?? '';
    const filter = this.#key ? { filter: { key: this.#key } } : {};
    const player = this.tivo.player({ topics: topic, ...filter });
    this.player = player;
    player.on('events', (frame: Frame) => this.#traffic.take(frame));
    player.on('gap', (gap) => this.#traffic.miss(gap));
    player.on('clock', ({ slip_ms }) => (this.#traffic.slip_ms = slip_ms ?? 0));
    player.on('error', (error: TivoError) => (error.code === 'unauthorized' ? this.#lock() : this.#say(error.message)));
    for (const type of ['statechange', 'reset', 'connection']) player.on(type, () => this.#changed());
    await this.attempt(() => this.#start(player, view));
  }

  /** Shows nothing more, and asks for a token: there was none, or it is worth nothing any more. */
  #lock(): void {
    if (this.locked !== undefined) return;
    this.locked = this.login?.user ? 'You are logged out: your token was taken away, or has expired.' : '';
    this.#forget();
  }

  #forget(): void {
    this.login = undefined;
    this.player?.close();
    this.player = this.topic = this.topics = undefined;
    this.away = this.note = '';
    this.drawer = false;
    document.title = 'tivo';
  }

  /** Somebody is in: the address still says what is to be shown. */
  #loggedIn(login: Login): void {
    this.login = login;
    this.locked = undefined;
  }

  async #logOut(): Promise<void> {
    this.locked = '';
    this.#forget();
    await logOut();
  }

  async #start(player: Player, { start, end, pos, speed, loop }: View): Promise<unknown> {
    if (!start && !end && !pos) {
      const recent = this.#recent();
      await player.tail();
      return this.#prefill(player, await recent);
    }
    const window = { start: start ?? 'unbounded', end: end ?? 'unbounded' };
    return player.play({ ...window, ...(pos && { pos }), speed: speed ?? 1, loop: Boolean(loop && start && end) });
  }

  /** What came last, so that a live page does not begin empty. It is a courtesy: without it the page goes on. */
  async #recent(): Promise<Event[]> {
    const known = this.listed;
    if (!known?.last_us) return [];
    const span_us = Math.min(RECENT_US, (RECENT_EVENTS / Math.max(known.rate, 0.01)) * 1e6);
    const window = { start: (known.last_us - span_us) / 1e6, limit: RECENT_EVENTS * 2, key: this.#key || undefined };
    return this.tivo.records(known.name, window).catch(() => []);
  }

  async #prefill(player: Player, events: Event[]): Promise<void> {
    await this.updateComplete;
    if (player !== this.player) return;
    this.renderRoot.querySelector<TivoScene>('tivo-scene')?.prefill(events);
    this.renderRoot.querySelector<TivoEvents>('tivo-events')?.prefill(events);
  }

  /** Does what may be refused, and says so where it is. */
  async attempt(act: () => Promise<unknown> | undefined): Promise<void> {
    const { player } = this;
    try {
      await act();
    } catch (error) {
      if (player === this.player) this.#say((error as Error).message);
    }
  }

  /** The open topic, as the gateway lists it. */
  get listed(): Topic | undefined {
    return this.topics?.find(({ name }) => name === this.topic);
  }

  #say(text: string): void {
    this.note = text;
    clearTimeout(this.#noteTimer);
    this.#noteTimer = window.setTimeout(() => (this.note = ''), NOTE_MS);
  }

  #changed(): void {
    this.requestUpdate();
    this.#addressTimer ||= window.setTimeout(() => {
      this.#addressTimer = 0;
      this.#writeAddress();
    }, ADDRESS_MS);
  }

  #writeAddress(): void {
    const { player, topic } = this;
    if (!player || player.connection === 'closed') return;
    const { start_us, end_us, speed, pos_us } = player.state;
    const past = !player.live && pos_us !== null;
    const view: View = {
      topic,
      ...bounds(start_us, end_us),
      pos:
        past && (player.paused || (start_us === null && end_us === null))
          ? isoText(player.position_us, true)
          : undefined,
      speed: past && typeof speed === 'number' && speed !== 1 ? Number(speed.toPrecision(6)) : undefined,
      loop: player.loop,
      key: this.#key || undefined,
    };
    const address = writeView(view);
    if (address !== location.search) history.replaceState(null, '', address || location.pathname);
    document.title = topic ? `${topic} – tivo` : 'tivo';
  }

  #measure(): void {
    const controls = this.controls;
    if (!controls) return;
    const { shown, thinned } = this.#traffic.measure(performance.now());
    controls.shown = shown;
    controls.thinned = thinned;
    this.requestUpdate();
  }

  #offerHint(): void {
    if (!preferences().dragged) this.hint = 'drag to replay a window';
  }

  get controls() {
    return this.renderRoot.querySelector<TivoControls>('tivo-controls');
  }

  get timeline() {
    return this.renderRoot.querySelector<TivoTimeline>('tivo-timeline');
  }

  /** One of the sheets that lie over the page: `tivo-help`, `tivo-goto`, `tivo-use`. */
  sheet(name: string): { open(): void } {
    return this.renderRoot.querySelector(name) as unknown as { open(): void };
  }

  /** Goes to a time as it was written; what is wrong with it is told where it was written. */
  async #goTo(time: string): Promise<void> {
    const sheet = this.renderRoot.querySelector<TivoGoto>('tivo-goto')!;
    try {
      await this.player?.seek(time);
      sheet.close();
    } catch (error) {
      sheet.refused = (error as Error).message.replace(/^pos /, 'this ');
    }
  }

  /** A window that was dragged is played in 20 s, and again and again; none is all there is. */
  #window(event: CustomEvent<{ start_us: number; end_us: number } | null>): void {
    event.preventDefault();
    const { player } = this;
    const window = event.detail;
    if (!window) {
      this.attempt(() => player?.set({ start: 'unbounded', end: 'unbounded', loop: false }));
      return;
    }
    this.hint = '';
    prefer({ dragged: true });
    this.attempt(() =>
      player?.play({ start: window.start_us / 1e6, end: window.end_us / 1e6, fit: FIT_S, loop: true }),
    );
  }

  #filter(event: globalThis.Event): void {
    const key = (event.target as HTMLInputElement).value.trim();
    if (key === this.#key) return;
    this.#key = key;
    this.renderRoot.querySelector<TivoEvents>('tivo-events')?.clear();
    this.attempt(() => this.player?.set({ filter: { key: key ? [key] : [] } }));
    this.#changed();
  }

  override render() {
    if (this.locked !== undefined) {
      return html`
        ${this.#header()}
        <tivo-login
          .why=${this.locked}
          @tivo-login=${({ detail }: CustomEvent<Login>) => this.#loggedIn(detail)}
        ></tivo-login>
      `;
    }
    const empty = this.topics?.length === 0;
    return html`
      ${this.#header()}
      <nav aria-label="Topics" ?data-open=${this.drawer}>
        <tivo-topics
          .tivo=${this.tivo}
          .chosen=${this.topic}
          @tivo-topics=${this.#heardTopics}
          @tivo-choose=${({ detail }: CustomEvent<string>) => this.#open(detail)}
        ></tivo-topics>
      </nav>
      ${empty ? this.#empty() : this.#main()}
      <tivo-help></tivo-help>
      <tivo-goto @tivo-goto=${({ detail }: CustomEvent<string>) => this.#goTo(detail)}></tivo-goto>
      <tivo-use .playing=${this.#playing()}></tivo-use>
      <div class="note" role="alert" ?hidden=${!this.note && !this.away}>${this.note || this.away}</div>
    `;
  }

  #header() {
    const next = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length]!;
    return html`<header class="top">
      <button
        class="icon menu"
        aria-label="Topics"
        ?hidden=${this.locked !== undefined}
        aria-expanded=${this.drawer}
        @click=${() => (this.drawer = !this.drawer)}
      >
        ${icon('topics')}
      </button>
      <a class="brand" href=${base()} aria-label="tivo">
        <svg viewBox="0 0 22 16" aria-hidden="true">
          <path d="M1.500 14v-4M6 14V5M10.500 14V7.500" />
          <path class="now" d="M15 14V2" />
          <circle cx="20" cy="12.700" r="1.800" />
        </svg>
        tivo
      </a>
      <span class="grow"></span>
      <button title="Times are shown in ${this.zone === 'utc' ? 'UTC' : 'your time zone'}" @click=${this.#turnZone}>
        ${this.zone === 'utc' ? 'UTC' : 'Local time'}
      </button>
      <button
        title="Theme: ${this.theme}; next: ${next}"
        aria-label="Theme: ${this.theme}"
        @click=${() => this.#turnTheme(next)}
      >
        ${icon('theme')}${this.theme === 'auto' ? '' : this.theme}
      </button>
      <button
        class="icon"
        title="Keyboard (?)"
        aria-label="Keyboard"
        ?hidden=${this.locked !== undefined}
        @click=${() => this.sheet('tivo-help').open()}
      >
        ?
      </button>
      ${
        this.login?.user
          ? html`<button title="Logged in as ${this.login.user}" @click=${this.#logOut}>Log out</button>`
          : nothing
      }
    </header>`;
  }

  #turnZone(): void {
    this.zone = this.zone === 'utc' ? 'local' : 'utc';
    prefer({ zone: this.zone });
  }

  #turnTheme(theme: Theme): void {
    this.theme = theme;
    prefer({ theme });
    showTheme(theme);
  }

  #main() {
    const { player, zone } = this;
    return html`<main>
      ${this.#title()}
      <tivo-scene .player=${player}>${this.#badges()}</tivo-scene>
      <tivo-events .player=${player} .zone=${zone}></tivo-events>
      <section
        class="deck"
        aria-label="Timeline and playback"
        @tivo-refused=${({ detail }: CustomEvent<Error>) => this.#say(detail.message)}
      >
        <tivo-timeline .player=${player} .zone=${zone} .hint=${this.hint} @tivo-window=${this.#window}></tivo-timeline>
        <tivo-controls .player=${player} .zone=${zone}></tivo-controls>
      </section>
    </main>`;
  }

  #title() {
    const known = this.listed;
    return html`<div class="title">
      <h1>${this.topic ?? ''}</h1>
      <p>
        ${
          known
            ? html`${countText(known.events)} event${known.events === 1 ? '' : 's'} <i>·</i> ${rateText(known.rate)}
                <i>·</i> last ${known.last_us === null ? 'never' : agoText(known.last_us, Date.now() * 1000)}
                ${known.first_us === null ? nothing : html`<i>·</i> ${spanText(Date.now() * 1000 - known.first_us)} kept`}`
            : nothing
        }
      </p>
      <span class="grow"></span>
      <label class="filter"
        >${icon('search')}<input
          type="search"
          placeholder="Filter by key, e.g. sensor-*"
          aria-label="Filter by key"
          .value=${this.#key}
          @change=${this.#filter}
          @search=${this.#filter}
          spellcheck="false"
          autocomplete="off"
      /></label>
      <button class="outlined" @click=${() => this.sheet('tivo-use').open()}>
        ${icon('code')}<span>Use in your page</span>
      </button>
    </div>`;
  }

  #badges() {
    const { missed, late, slip_ms } = this.#traffic;
    const waiting = this.player?.state.status === 'buffering';
    return html`<div class="badges">
      ${waiting ? html`<span class="badge">waiting for events …</span>` : nothing}
      ${missed.count ? html`<span class="badge warn" title=${missed.reasons.join(', ')}>${countText(missed.count)} missing: ${missed.reasons.join(', ')}</span>` : nothing}
      ${late ? html`<span class="badge" title="They came in after their place had been played">${countText(late)} late</span>` : nothing}
      ${slip_ms > 250 ? html`<span class="badge warn">slowed by ${spanText(slip_ms * 1000)}</span>` : nothing}
    </div>`;
  }

  #playing(): Playing | undefined {
    const { player, topic } = this;
    if (!player || !topic) return undefined;
    const { start_us, end_us } = player.state;
    return {
      topic,
      start_us,
      end_us,
      speed: Number.isFinite(player.playbackRate) ? player.playbackRate : 1,
      loop: player.loop,
      asks: this.login?.asks,
    };
  }

  #empty() {
    return html`<main class="empty">
      <div>
        <h1>No topics yet</h1>
        <p>Send the first event, by whatever is at hand. It shows up here by itself.</p>
        ${howToProduce('greetings', this.login?.asks).map(
          ({ name, text }) =>
            html`<h2>${name}</h2>
              <pre tabindex="0">${text}</pre>`,
        )}
      </div>
    </main>`;
  }

  static override styles = consoleStyles;
}

customElements.define('tivo-console', TivoConsole);
