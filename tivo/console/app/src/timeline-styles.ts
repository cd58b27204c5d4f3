import { css } from 'lit';

import { AXIS_HEIGHT } from './timeline-paint.ts';

export const timelineStyles = css`
  :host {
    display: block;
    position: relative;
    height: 148px;
    overflow: hidden;
    user-select: none;
    --axis: ${AXIS_HEIGHT}px;
  }
  canvas {
    display: block;
    width: 100%;
    height: 100%;
    touch-action: pan-y;
    cursor: crosshair;
  }
  .slider {
    position: absolute;
    left: -12px;
    top: 0;
    bottom: var(--axis);
    width: 24px;
    pointer-events: none;
    border-radius: 4px;
  }
  .tip {
    position: absolute;
    top: 34px;
    transform: translateX(-50%);
    display: grid;
    padding: 4px 8px;
    border-radius: 6px;
    background: var(--tivo-ink);
    color: var(--tivo-paper);
    font-size: 12px;
    line-height: 1.4;
    text-align: center;
    white-space: nowrap;
    pointer-events: none;
  }
  .tip b {
    font-weight: 500;
  }
  .tip span {
    opacity: 0.72;
  }
  .hint {
    position: absolute;
    left: 50%;
    top: 66px;
    transform: translateX(-50%);
    margin: 0;
    padding: 5px 12px;
    border-radius: 999px;
    background: var(--tivo-ink);
    color: var(--tivo-paper);
    font-weight: 500;
    pointer-events: none;
    white-space: nowrap;
  }
  .head {
    position: absolute;
    inset: 4px 8px auto 14px;
    display: flex;
    align-items: center;
    gap: 2px;
    height: 26px;
    font-size: 12px;
    color: var(--tivo-faint);
    white-space: nowrap;
    pointer-events: none;
  }
  .head .grow {
    flex: 1;
  }
  .head .window {
    overflow: hidden;
    text-overflow: ellipsis;
    color: var(--tivo-quiet);
  }
  .head b {
    font-weight: 500;
    color: var(--tivo-accent);
  }
  .head button {
    flex: none;
    width: 28px;
    height: 26px;
    min-height: 26px;
    min-width: 26px;
    pointer-events: auto;
  }
`;
