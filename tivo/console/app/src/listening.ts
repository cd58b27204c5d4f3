import type { ReactiveController, ReactiveControllerHost } from 'lit';

import type { Player } from '../../lib/tivo.js';

/** Keeps an element in step with a player: it renders anew whenever the player tells one of these events. */
export class Listening implements ReactiveController {
  #host: ReactiveControllerHost;
  #types: string[];
  #player: Player | undefined;
  #stops: (() => void)[] = [];

  constructor(host: ReactiveControllerHost, types: string[]) {
    this.#host = host;
    this.#types = types;
    host.addController(this);
  }

  /** Listens to this player from now on, with whatever else is to be heard. */
  to(player: Player | undefined, more: Record<string, (detail: any) => void> = {}): void {
    if (player === this.#player) return;
    this.hostDisconnected();
    this.#player = player;
    if (!player) return;
    const render = () => this.#host.requestUpdate();
    this.#stops = [
      ...this.#types.map((type) => player.on(type, render)),
      ...Object.entries(more).map(([type, act]) => player.on(type, act)),
    ];
  }

  hostDisconnected(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#player = undefined;
  }
}
