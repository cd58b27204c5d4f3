/** What all elements of the console look like: type, buttons, fields. */
import { css, svg, unsafeCSS } from 'lit';

import { MONO, SANS } from './palette.ts';

export const look = css`
  :host {
    --sans: ${unsafeCSS(SANS)};
    --mono: ${unsafeCSS(MONO)};
    box-sizing: border-box;
    font: 400 13px/1.45 var(--sans);
    color: var(--tivo-ink);
    font-variant-numeric: tabular-nums;
    -webkit-font-smoothing: antialiased;
  }
  :host([hidden]) {
    display: none;
  }
  *,
  ::before,
  ::after {
    box-sizing: inherit;
  }
  button,
  input,
  select {
    font: inherit;
    color: inherit;
    font-variant-numeric: inherit;
  }
  button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 6px;
    min-width: 28px;
    height: 28px;
    padding: 0 9px;
    border: 1px solid transparent;
    border-radius: 6px;
    background: none;
    color: var(--tivo-quiet);
    cursor: pointer;
    white-space: nowrap;
  }
  button:hover {
    background: var(--tivo-sunk);
    color: var(--tivo-ink);
  }
  button:disabled {
    opacity: 0.45;
    cursor: default;
  }
  button.icon {
    width: 32px;
    height: 32px;
    padding: 0;
  }
  button[hidden] {
    display: none;
  }
  button.outlined {
    border-color: var(--tivo-line);
    background: var(--tivo-panel);
  }
  button.outlined:hover {
    border-color: var(--tivo-edge);
  }
  button.filled {
    background: var(--tivo-ink);
    color: var(--tivo-paper);
    font-weight: 500;
  }
  button.filled:hover {
    background: var(--tivo-quiet);
  }
  button[aria-pressed='true'] {
    color: var(--tivo-accent);
    background: var(--tivo-wash);
  }
  input[type='text'],
  input[type='search'] {
    height: 28px;
    padding: 0 8px;
    border: 1px solid var(--tivo-line);
    border-radius: 6px;
    background: var(--tivo-panel);
  }
  input::placeholder {
    color: var(--tivo-faint);
    opacity: 1;
  }
  input[type='text']:hover,
  input[type='search']:hover {
    border-color: var(--tivo-edge);
  }
  :focus-visible {
    outline: 2px solid var(--tivo-accent);
    outline-offset: 1px;
  }
  svg.icon {
    width: 16px;
    height: 16px;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.6;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  svg.solid {
    fill: currentColor;
    stroke: none;
  }
  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (pointer: coarse) {
    button {
      min-height: 36px;
    }
  }
`;

const SHAPES = {
  play: svg`<path class="solid" d="M5 3.2v9.6c0 .5.6.8 1 .5l7-4.8a.6.6 0 0 0 0-1L6 2.7c-.4-.3-1 0-1 .5z" fill="currentColor" stroke="none"/>`,
  pause: svg`<path d="M4.5 3h2.4v10H4.5zM9.1 3h2.4v10H9.1z" fill="currentColor" stroke="none"/>`,
  back: svg`<path d="M11.5 3.5 6.5 8l5 4.5M4 3.5v9"/>`,
  forward: svg`<path d="m4.5 3.5 5 4.5-5 4.5M12 3.5v9"/>`,
  loop: svg`<path d="M3 9.5V8a3 3 0 0 1 3-3h6.5M10.5 2.5 13 5l-2.5 2.5M13 6.5V8a3 3 0 0 1-3 3H3.5M5.5 13.500 3 11l2.500-2.500"/>`,
  plus: svg`<path d="M8 3.5v9M3.500 8h9"/>`,
  minus: svg`<path d="M3.500 8h9"/>`,
  all: svg`<path d="M2.500 4v8M13.500 4v8M5 8h6M6.500 6 4.600 8l1.900 2M9.500 6l1.900 2-1.900 2"/>`,
  follow: svg`<path d="M2.500 8h8M7.500 4.500 11 8l-3.500 3.500M13.500 3.500v9"/>`,
  code: svg`<path d="m5.500 4.500-3.500 3.500 3.500 3.500M10.500 4.500l3.500 3.500-3.500 3.500"/>`,
  close: svg`<path d="m4 4 8 8M12 4l-8 8"/>`,
  theme: svg`<circle cx="8" cy="8" r="5.500"/><path d="M8 2.500a5.500 5.500 0 0 1 0 11z" fill="currentColor" stroke="none"/>`,
  copy: svg`<rect x="5.500" y="5.500" width="8" height="8" rx="1.500"/><path d="M10.500 5.500V4A1.500 1.500 0 0 0 9 2.500H4A1.500 1.500 0 0 0 2.500 4v5A1.500 1.500 0 0 0 4 10.500h1.500"/>`,
  seek: svg`<path d="M8 2.500v11M5 5.500 8 2.500l3 3"/>`,
  search: svg`<circle cx="7" cy="7" r="4"/><path d="m10 10 3.500 3.500"/>`,
  topics: svg`<path d="M2.500 4h11M2.500 8h11M2.500 12h7"/>`,
  check: svg`<path d="m3 8.500 3.500 3.500L13 4.500"/>`,
};

export const icon = (name: keyof typeof SHAPES) =>
  svg`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${SHAPES[name]}</svg>`;
