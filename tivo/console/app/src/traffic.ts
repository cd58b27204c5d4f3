/** What passes by: how much is shown, how much was left out, came late or is missing. */
import type { Frame } from '../../lib/tivo.js';

const SMOOTH_MS = 2000;

export class Traffic {
  late = 0;
  slip_ms = 0;
  missed: { count: number; reasons: string[] } = { count: 0, reasons: [] };

  #shown = 0;
  #thinned = 0;
  #since_ms: number | undefined;
  #rate = 0;
  #share = 0;

  take({ events, thinned = 0 }: Frame): void {
    this.#shown += events.length;
    this.#thinned += thinned;
    this.late += events.filter((event) => event.late).length;
  }

  miss({ from_offset, to_offset, reason }: { from_offset: number; to_offset: number; reason: string }): void {
    const reasons = [...new Set([...this.missed.reasons, reason])];
    this.missed = { count: this.missed.count + to_offset - from_offset, reasons };
  }

  /** Events shown a second, and the per cent left out, smoothed over two seconds. */
  measure(now_ms: number): { shown: number; thinned: number } {
    const passed_ms = now_ms - (this.#since_ms ?? now_ms);
    this.#since_ms = now_ms;
    if (passed_ms > 0) {
      const weight = 1 - Math.exp(-passed_ms / SMOOTH_MS);
      const all = this.#shown + this.#thinned;
      this.#rate += weight * ((this.#shown * 1000) / passed_ms - this.#rate);
      this.#share += weight * ((all ? (100 * this.#thinned) / all : 0) - this.#share);
    }
    this.#shown = this.#thinned = 0;
    return { shown: this.#rate < 0.05 ? 0 : this.#rate, thinned: this.#share };
  }
}
