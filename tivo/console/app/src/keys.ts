/** The keyboard, as people know it from video players. */

export const KEYS: [keys: string, does: string][] = [
  ['Space  K', 'play, pause'],
  ['J  L', 'back, on by 10 s of playback'],
  ['←  →', 'back, on by 5 s; with Shift by 50 s'],
  [',  .', 'one event back, on'],
  ['<  >', 'slower, faster'],
  ['0 … 9', 'jump to tenths of the window'],
  ['Home', 'start of the window'],
  ['End', 'live edge'],
  ['I  O', 'window starts, ends here'],
  ['/', 'loop the window'],
  ['G', 'go to a time'],
  ['F', 'follow the live edge'],
  ['?', 'this list'],
];

/** Whether somebody is typing, so that letters are letters. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || (target.matches('input, textarea, select') && !target.matches('[type=range]'));
}
