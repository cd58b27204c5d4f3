import { css } from 'lit';

import { look } from './look.ts';

export const consoleStyles = [
  look,
  css`
    :host {
      display: grid;
      grid-template: 48px minmax(0, 1fr) / 244px minmax(0, 1fr);
      height: 100dvh;
      background: var(--tivo-paper);
    }
    .grow {
      flex: 1;
    }

    .top {
      grid-column: 1 / -1;
      display: flex;
      align-items: center;
      gap: 2px;
      padding: 0 10px 0 18px;
      border-bottom: 1px solid var(--tivo-line);
    }
    .menu {
      display: none;
    }
    .brand {
      display: inline-flex;
      align-items: center;
      gap: 9px;
      font-size: 16px;
      font-weight: 600;
      letter-spacing: -0.02em;
      color: inherit;
      text-decoration: none;
    }
    .brand svg {
      width: 22px;
      height: 16px;
      fill: none;
      stroke: var(--tivo-faint);
      stroke-width: 2.2;
      stroke-linecap: round;
    }
    .brand .now {
      stroke: var(--tivo-accent);
    }
    .brand circle {
      fill: var(--tivo-live);
      stroke: none;
    }

    nav {
      border-right: 1px solid var(--tivo-line);
      min-height: 0;
      overflow-y: auto;
    }

    main {
      display: grid;
      grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr) minmax(300px, 26vw);
      min-height: 0;
      min-width: 0;
    }
    .title {
      grid-column: 1 / -1;
      display: flex;
      align-items: center;
      gap: 8px 14px;
      padding: 10px 12px 10px 20px;
      border-bottom: 1px solid var(--tivo-line);
    }
    h1 {
      flex: 0 1 auto;
      min-width: 4ch;
      margin: 0;
      font-size: 18px;
      font-weight: 600;
      letter-spacing: -0.015em;
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    .title .outlined {
      flex: none;
    }
    .title p {
      flex: 0 4 auto;
      min-width: 0;
      margin: 2px 0 0;
      color: var(--tivo-quiet);
      white-space: nowrap;
      overflow: hidden;
      text-overflow: ellipsis;
    }
    .title i {
      font-style: normal;
      color: var(--tivo-edge);
      padding: 0 1px;
    }
    .filter {
      position: relative;
      display: block;
      width: 214px;
      flex: none;
    }
    .filter svg {
      position: absolute;
      left: 8px;
      top: 6px;
      color: var(--tivo-faint);
    }
    .filter input {
      width: 100%;
      padding-left: 28px;
    }
    tivo-scene {
      min-height: 0;
    }
    tivo-events {
      border-left: 1px solid var(--tivo-line);
    }
    .badges {
      position: absolute;
      left: 16px;
      top: 14px;
      display: flex;
      flex-wrap: wrap;
      gap: 6px;
    }
    .badge {
      padding: 2px 9px;
      border: 1px solid var(--tivo-line);
      border-radius: 999px;
      background: var(--tivo-panel);
      color: var(--tivo-quiet);
      font-size: 12px;
    }
    .badge.warn {
      color: var(--tivo-warn);
      border-color: currentColor;
    }
    .deck {
      grid-column: 1 / -1;
      border-top: 1px solid var(--tivo-line);
      background: var(--tivo-panel);
      min-width: 0;
    }

    .note {
      position: fixed;
      left: 50%;
      top: 58px;
      transform: translateX(-50%);
      max-width: min(640px, calc(100vw - 32px));
      padding: 9px 16px;
      border-radius: 8px;
      background: var(--tivo-ink);
      color: var(--tivo-paper);
      box-shadow: 0 8px 32px #0004;
      z-index: 3;
    }
    .note[hidden] {
      display: none;
    }

    .empty {
      grid-template: none;
      display: grid;
      place-items: center;
      overflow: auto;
      padding: 32px 20px;
    }
    .empty > div {
      width: min(560px, 100%);
    }
    .empty h1 {
      font-size: 24px;
    }
    .empty p {
      margin: 6px 0 22px;
      color: var(--tivo-quiet);
      font-size: 15px;
    }
    .empty h2 {
      margin: 16px 0 6px;
      font-size: 12px;
      font-weight: 500;
      color: var(--tivo-quiet);
    }
    .empty pre {
      margin: 0;
      padding: 12px 14px;
      border: 1px solid var(--tivo-line);
      border-radius: 8px;
      background: var(--tivo-panel);
      font: 400 12px/1.6 var(--mono);
      overflow-x: auto;
      user-select: all;
    }

    @media (max-width: 1000px) {
      :host {
        grid-template-columns: minmax(0, 1fr);
      }
      .top {
        padding-left: 8px;
      }
      .menu {
        display: inline-flex;
        margin-right: 4px;
      }
      nav {
        display: none;
        position: fixed;
        z-index: 2;
        inset: 48px auto 0 0;
        width: min(300px, 86vw);
        background: var(--tivo-panel);
        box-shadow: 24px 0 64px #0004;
      }
      nav[data-open] {
        display: block;
      }
    }
    @media (max-width: 700px) {
      :host {
        height: auto;
        min-height: 100dvh;
        grid-template-rows: 48px auto;
      }
      main {
        grid-template: auto 38dvh auto minmax(260px, auto) / minmax(0, 1fr);
      }
      .title {
        flex-wrap: wrap;
        padding: 8px 12px;
      }
      .title p {
        order: 3;
        width: 100%;
        margin: 0;
        font-size: 12px;
      }
      .filter {
        width: auto;
        flex: 1;
        order: 4;
      }
      .title .outlined {
        order: 5;
      }
      .deck {
        grid-row: 3;
        position: sticky;
        bottom: 0;
        z-index: 1;
      }
      tivo-events {
        grid-row: 4;
        border-left: 0;
        height: 420px;
      }
    }
  `,
];
