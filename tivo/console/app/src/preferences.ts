/** What a person prefers, kept in the browser; a browser that keeps nothing is no error. */
import type { Theme } from './palette.ts';
import type { Zone } from './time-text.ts';

interface Preferences {
  theme: Theme;
  zone: Zone;
  /** Has dragged a window once, and needs no hint any more. */
  dragged: boolean;
}

const NAME = 'tivo';
const DEFAULTS: Preferences = { theme: 'auto', zone: 'local', dragged: false };

export function preferences(): Preferences {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(NAME) ?? '{}') };
  } catch {
    return DEFAULTS;
  }
}

export function prefer(changed: Partial<Preferences>): void {
  try {
    localStorage.setItem(NAME, JSON.stringify({ ...preferences(), ...changed }));
  } catch {
    // Private browsing: it holds for this page only.
  }
}
