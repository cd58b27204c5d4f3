/**
 * `<tivo-controls>`: play and pause, live, where it stands, how fast, and the loop. Give it a `player`.
 * What the gateway refuses is told by `tivo-refused` (the error).
 */
import { LitElement, html, nothing } from 'lit';

import type { Player } from '../../lib/tivo.js';
import { controlsStyles } from './controls-styles.ts';
import { Listening } from './listening.ts';
import { icon, look } from './look.ts';
import { SLIDER_STEPS, fromSlider, neighbour, parseSpeed, speedText, speedWords, toSlider } from './speed.ts';
import { type Zone, dateText, spanText, spokenTime, timeText, trim } from './time-text.ts';

const HEARD = ['statechange', 'connection', 'timeupdate', 'reset', 'ratechange'];
const SPEED_MS = 60;

/** Whether the gateway steps by events: of a step of none it says that this is wrong, or that it has no such command. */
let stepping: Promise<boolean> | undefined;

function canStep(player: Player): Promise<boolean> {
  return (stepping ??= player.step(0).then(
    () => true,
    (error) => error.code !== 'unknown_action' && error.code !== 'not_offered',
  ));
}

export class TivoControls extends LitElement {
  static override properties = {
    player: { attribute: false },
    zone: { type: String },
    shown: { type: Number },
    thinned: { type: Number },
    steps: { state: true },
  };
  declare player: Player | undefined;
  declare zone: Zone;
  /** Events a second that are shown, and how many of a hundred are left out. */
  declare shown: number;
  declare thinned: number;
  declare steps: boolean;

  #listening = new Listening(this, HEARD);
  #frame = 0;
  #speedTimer = 0;
  #dragged: number | undefined;

  constructor() {
    super();
    this.zone = 'local';
    this.shown = this.thinned = 0;
    this.steps = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const draw = () => {
      this.#frame = requestAnimationFrame(draw);
      this.#showTime();
    };
    draw();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    cancelAnimationFrame(this.#frame);
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has('player')) return;
    this.#listening.to(this.player);
    if (this.player) canStep(this.player).then((steps) => (this.steps = steps));
  }

  toggle(): void {
    this.#ask((player) => (player.paused ? player.play() : player.pause()));
  }

  goLive(): void {
    this.#ask(async (player) => {
      if (player.paused && player.live) return player.play();
      await player.set({ start: 'unbounded', end: 'unbounded', loop: false, speed: 1 });
      return player.tail();
    });
  }

  step(n: number): void {
    this.#ask(async (player) => {
      if (!this.steps) return;
      if (!player.paused) await player.pause();
      await player.step(n);
    });
  }

  setSpeed(speed: number): void {
    this.#ask((player) => player.set({ speed }));
  }

  changeSpeed(direction: 1 | -1): void {
    if (this.player && !this.player.live) this.setSpeed(neighbour(this.player.playbackRate, direction));
  }

  toggleLoop(): void {
    this.#ask((player) => player.set({ loop: !player.loop }));
  }

  async #ask(act: (player: Player) => Promise<unknown>): Promise<void> {
    try {
      if (this.player) await act(this.player);
    } catch (error) {
      this.dispatchEvent(new CustomEvent('tivo-refused', { detail: error, bubbles: true, composed: true }));
    }
  }

  /** The position moves with every frame; the rest only when something was told. */
  #showTime(): void {
    const { player } = this;
    const time = this.renderRoot.querySelector?.('.time');
    if (!time || !player || player.state.epoch < 0 || player.state.pos_us === null) return;
    const fine = player.playbackRate < 20 ? 'milli' : 'second';
    const text = timeText(player.position_us, this.zone, fine);
    if (time.textContent !== text) time.textContent = text;
    const date = this.renderRoot.querySelector('.date')!;
    const day = `${dateText(player.position_us, this.zone)} ${this.zone === 'utc' ? 'UTC' : ''}`.trim();
    if (date.textContent !== day) date.textContent = day;
  }

  /** A slider that is dragged asks at most every 60 ms. */
  #slide(event: Event): void {
    this.#dragged = fromSlider(Number((event.target as HTMLInputElement).value));
    this.requestUpdate();
    if (this.#speedTimer) return;
    this.#speedTimer = window.setTimeout(() => {
      this.#speedTimer = 0;
      if (this.#dragged !== undefined) this.setSpeed(this.#dragged);
    }, SPEED_MS);
  }

  #typeSpeed(event: Event): void {
    const field = event.target as HTMLInputElement;
    const speed = parseSpeed(field.value);
    if (speed) this.setSpeed(speed);
    else field.value = speedText(this.player?.playbackRate ?? 1);
  }

  #typeFit(event: Event): void {
    const field = event.target as HTMLInputElement;
    const fit = Number(field.value.replace(/\s*s$/, ''));
    if (fit > 0 && Number.isFinite(fit)) this.#ask((player) => player.set({ fit }));
    field.value = '';
  }

  override render() {
    const { player } = this;
    const held = !player || player.connection === 'closed';
    const running = player !== undefined && !player.paused;
    return html`
      <div class="transport" role="group" aria-label="Playback">
        ${this.#stepper(-1, 'Step back one event', ',', held)}
        <button
          class="play"
          title=${running ? 'Pause (space)' : 'Play (space)'}
          aria-label=${running ? 'Pause' : 'Play'}
          ?disabled=${held}
          @click=${this.toggle}
        >
          ${icon(running ? 'pause' : 'play')}
        </button>
        ${this.#stepper(1, 'Step on one event', '.', held)} ${this.#pill()}
      </div>
      <div class="place">
        <span class="time" aria-hidden="true">–</span>
        <span class="when"><span class="date" aria-hidden="true"></span> ${this.#doing()}</span>
        <span class="unseen" aria-live="polite">${this.#spoken()}</span>
      </div>
      ${this.#pace(held)}
    `;
  }

  #stepper(n: 1 | -1, label: string, key: string, held: boolean) {
    if (!this.steps) return nothing;
    return html`<button
      class="icon"
      title="${label} (${key})"
      aria-label=${label}
      ?disabled=${held}
      @click=${() => this.step(n)}
    >
      ${icon(n > 0 ? 'forward' : 'back')}
    </button>`;
  }

  #pill() {
    const { player } = this;
    const live = player?.live === true;
    const lag = player && player.lag > 0 ? spanText(player.lag * 1e6) : '';
    return html`<button
      class="live"
      aria-pressed=${live}
      ?disabled=${!player || player.connection === 'closed'}
      title=${live ? 'Showing events as they come' : 'Jump to the live edge (End)'}
      aria-label=${live ? 'Live' : `Behind live by ${lag || 'some time'}: jump to live`}
      @click=${this.goLive}
    >
      <i></i>LIVE${!live && lag ? html` <small>−${lag}</small>` : nothing}
    </button>`;
  }

  #doing() {
    const { player } = this;
    if (!player) return nothing;
    const { status } = player.state;
    const loop = player.loop && player.state.iteration > 0 ? `turn ${player.state.iteration}` : '';
    const words = {
      connecting: 'connecting …',
      waiting: 'connection lost, trying again …',
      idle: 'asleep',
      closed: 'closed',
      open: {
        paused: 'paused',
        playing: loop,
        tailing: '',
        buffering: 'waiting for events …',
        ended: 'end of the window',
      }[status],
    }[player.connection];
    return words
      ? html`<span class="doing" data-status=${player.connection === 'open' ? status : 'away'}>${words}</span>`
      : nothing;
  }

  /** Read out at most as often as the minute changes, or the status. */
  #spoken(): string {
    const { player } = this;
    if (!player || player.state.epoch < 0 || player.state.pos_us === null) return '';
    return `${player.state.status} ${player.paused ? spokenTime(player.position_us, this.zone) : ''}`;
  }

  #pace(held: boolean) {
    const { player } = this;
    const live = player?.live === true;
    const speed = this.#dragged ?? player?.playbackRate ?? 1;
    const bounded = Number.isFinite(player?.duration ?? Infinity);
    const idle = held || live;
    return html`
      <div class="pace" role="group" aria-label="Speed">
        <label class="rail" title=${live ? 'Live runs at 1×' : 'Speed ( < and > )'}>
          <input
            type="range"
            min="0"
            max=${SLIDER_STEPS}
            .value=${String(toSlider(Math.min(10_000, Math.max(0.1, speed))))}
            ?disabled=${idle}
            aria-label="Speed"
            aria-valuetext=${`${speedText(speed)} ${speedWords(speed)}`}
            @input=${this.#slide}
            @change=${() => (this.#dragged = undefined)}
          />
          <span class="marks" aria-hidden="true"><i>0.1</i><i>1</i><i>10</i><i>100</i><i>1k</i><i>10k</i></span>
        </label>
        <span class="speed">
          <input
            type="text"
            inputmode="decimal"
            aria-label="Speed, typed"
            ?disabled=${idle}
            .value=${speedText(live ? 1 : speed)}
            @change=${this.#typeSpeed}
            @focus=${(event: Event) => (event.target as HTMLInputElement).select()}
          />
          <small>${live ? 'live' : speedWords(speed) || 'real time'}</small>
        </span>
        <label
          class="fit"
          title=${bounded ? 'Play the window in so many seconds' : 'Choose a window first: drag across the timeline'}
        >
          fit to
          <input
            type="text"
            inputmode="decimal"
            aria-label="Fit the window to so many seconds"
            placeholder=${bounded && player && Number.isFinite(speed) ? trim(player.duration / speed, player.duration / speed < 10 ? 1 : 0) : '–'}
            ?disabled=${idle || !bounded}
            @change=${this.#typeFit}
          />
          s
        </label>
        <button
          class="outlined loop"
          aria-pressed=${player?.loop ?? false}
          ?disabled=${idle || !bounded}
          title="Loop the window (/)"
          @click=${this.toggleLoop}
        >
          ${icon('loop')}<span>Loop</span>
        </button>
        <span class="flow" title="Events shown a second">
          <b>${this.shown < 10 ? trim(this.shown, 1) : Math.round(this.shown)}</b>/s
          ${this.thinned >= 0.5 ? html`<em title="Left out, evenly in time, to keep to what can be seen">${Math.round(this.thinned)} % thinned</em>` : nothing}
        </span>
      </div>
    `;
  }

  static override styles = [look, controlsStyles];
}

customElements.define('tivo-controls', TivoControls);
