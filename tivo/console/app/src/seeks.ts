const PAUSE_MS = 80;

/** Seeks while somebody drags: one is on its way at a time, and behind it only the newest place asked for counts. */
export class Seeks {
  /** Where the position is meant to be, while that is still on its way. */
  wanted_us: number | undefined;
  #busy = false;
  #seek: (time_us: number) => Promise<void>;
  #refused: (error: unknown) => void;

  constructor(seek: (time_us: number) => Promise<void>, refused: (error: unknown) => void) {
    this.#seek = seek;
    this.#refused = refused;
  }

  async to(time_us: number): Promise<void> {
    this.wanted_us = time_us;
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let sought: number | undefined; sought !== this.wanted_us;) {
        sought = this.wanted_us;
        await this.#seek(sought);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    } catch (error) {
      this.#refused(error);
    } finally {
      this.#busy = false;
      this.wanted_us = undefined;
    }
  }
}
