/**
 * `<tivo-scene>`: a picture that moves with the events of a player: a map where they have a place, places that report,
 * or lanes for anything else. Every event appears at its own due time on the gateway's clock, and while the playback
 * holds, the picture holds. Give it a `player`.
 */
import { LitElement, css, html } from 'lit';

import type { Event, Frame, Player } from '../../lib/tivo.js';
import { Listening } from './listening.ts';
import { look } from './look.ts';
import { inksOf } from './palette.ts';
import { MapPainter } from './scene/map.ts';
import { type Painter, isPlace, measureOf } from './scene/painter.ts';
import { StationsPainter } from './scene/stations.ts';
import { StripPainter } from './scene/strip.ts';

const LOOKED_AT = 40;
const LONGEST_STEP_US = 2e6;

export class TivoScene extends LitElement {
  static override properties = { player: { attribute: false } };
  declare player: Player | undefined;

  #listening = new Listening(this, []);
  #painter: Painter | undefined;
  #first: { event: Event; due_us: number }[] = [];
  /** Wall time less scene time: grows while the playback holds. */
  #held_us = 0;
  #before_us = 0;
  #newest_us: number | undefined;
  #frame = 0;
  #size = { width: 0, height: 0 };
  #resizing = new ResizeObserver(([entry]) => {
    this.#size = { width: Math.round(entry!.contentRect.width), height: Math.round(entry!.contentRect.height) };
  });
  #calm = matchMedia('(prefers-reduced-motion: reduce)');

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resizing.observe(this);
    const draw = () => {
      this.#frame = requestAnimationFrame(draw);
      this.#paint();
    };
    draw();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resizing.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has('player')) return;
    this.#painter = undefined;
    this.#first = [];
    this.#held_us = this.#before_us = 0;
    this.#newest_us = undefined;
    this.#listening.to(this.player, {
      events: (frame: Frame) => frame.events.forEach((event) => this.#show(event, event.due_us ?? frame.due_us)),
      reset: () => {
        this.#painter?.clear();
        this.#newest_us = undefined;
      },
    });
  }

  /** Events of the last minutes, so that a live picture does not begin empty: they count as shown when they happened. */
  prefill(events: Event[]): void {
    for (const event of events) this.#take(event, event.time_us);
  }

  /** What comes while the picture holds was stepped to: the picture moves on by as much as lies between the events. */
  #show(event: Event, due_us: number): void {
    const { player } = this;
    const held = this.#before_us && player?.paused;
    if (held && this.#newest_us !== undefined) {
      const apart_us = (event.time_us - this.#newest_us) / (player.playbackRate || 1);
      this.#held_us -= Math.min(Math.max(apart_us, 0), LONGEST_STEP_US);
    }
    this.#newest_us = Math.max(event.time_us, this.#newest_us ?? -Infinity);
    this.#take(event, held ? this.#before_us : due_us);
  }

  /** Which picture suits a topic shows after a few of its events; until then they are painted as lanes. */
  #take(event: Event, due_us: number): void {
    const due_s = (due_us - this.#held_us) / 1e6;
    if (this.#first.length < LOOKED_AT) {
      this.#first.push({ event, due_us });
      const suits = painterFor(this.#first.map((each) => each.event));
      if (!(this.#painter instanceof suits)) {
        this.#painter = new suits();
        for (const each of this.#first.slice(0, -1)) this.#painter.add(each.event, (each.due_us - this.#held_us) / 1e6);
        this.requestUpdate();
      }
    }
    this.#painter?.add(event, due_s);
  }

  #paint(): void {
    const canvas = this.renderRoot.querySelector?.('canvas');
    const { player } = this;
    if (!canvas || !player || !this.#size.width) return;
    const wall_us = player.wall_us;
    if (this.#before_us && player.paused) this.#held_us += wall_us - this.#before_us;
    this.#before_us = wall_us;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(this.#size.width * ratio), Math.round(this.#size.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext('2d')!;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.#size.width, this.#size.height);
    const scene_s = (wall_us - this.#held_us) / 1e6;
    this.#painter?.paint(pen, { scene_s, inks: inksOf(this), ...this.#size, still: this.#calm.matches });
  }

  override render() {
    return html`<canvas role="img" aria-label=${this.#painter?.label ?? 'Waiting for events'}></canvas><slot></slot>`;
  }

  static override styles = [
    look,
    css`
      :host {
        display: block;
        position: relative;
        min-height: 160px;
        overflow: hidden;
      }
      canvas {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
      }
    `,
  ];
}

/** A map for events with places; where the same keys report from the same places again and again, a plan of these. */
function painterFor(events: Event[]): new () => Painter {
  if (!events.every(({ value }) => isPlace(value))) return StripPainter;
  const places = new Map(events.map(({ key, value }) => [String(key), `${value.lon},${value.lat}`]));
  const settled = events.every(({ key, value }) => places.get(String(key)) === `${value.lon},${value.lat}`);
  const repeated = events.length >= 12 && events.length >= places.size * 2;
  return settled && repeated && measureOf(events[0]!.value) ? StationsPainter : MapPainter;
}

customElements.define('tivo-scene', TivoScene);
