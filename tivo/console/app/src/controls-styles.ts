import { css } from 'lit';

export const controlsStyles = css`
  :host {
    display: grid;
    grid-template-columns: auto minmax(150px, 1fr) auto;
    align-items: center;
    gap: 8px 20px;
    padding: 10px 16px 12px;
  }
  .transport {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  .play {
    width: 40px;
    height: 40px;
    padding: 0;
    border-radius: 50%;
    background: var(--tivo-ink);
    color: var(--tivo-paper);
  }
  .play:hover {
    background: var(--tivo-quiet);
    color: var(--tivo-paper);
  }
  .live {
    margin-left: 8px;
    min-width: 76px;
    height: 28px;
    border: 1px solid var(--tivo-line);
    border-radius: 999px;
    background: var(--tivo-panel);
    font-weight: 500;
    font-size: 12px;
  }
  .live i {
    width: 7px;
    height: 7px;
    border-radius: 50%;
    border: 1.5px solid var(--tivo-faint);
  }
  .live small {
    font-size: 12px;
    font-weight: 400;
    color: var(--tivo-quiet);
    white-space: nowrap;
  }
  .live[aria-pressed='true'] {
    background: var(--tivo-live);
    border-color: var(--tivo-live);
    color: var(--tivo-paper);
    letter-spacing: 0.04em;
  }
  .live[aria-pressed='true'] i {
    background: currentColor;
    border-color: transparent;
  }
  .place {
    display: flex;
    align-items: baseline;
    gap: 8px;
    min-width: 0;
    overflow: hidden;
    white-space: nowrap;
  }
  .time {
    font-size: 20px;
    font-weight: 500;
    letter-spacing: -0.01em;
  }
  .when {
    color: var(--tivo-quiet);
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .doing {
    color: var(--tivo-faint);
  }
  .doing::before {
    content: '· ';
  }
  .doing[data-status='away'],
  .doing[data-status='buffering'] {
    color: var(--tivo-warn);
  }
  .pace {
    display: flex;
    align-items: center;
    gap: 14px;
  }
  .rail {
    position: relative;
    display: block;
    width: 168px;
    padding-bottom: 12px;
  }
  .rail input {
    display: block;
    width: 100%;
    height: 24px;
    margin: 0;
    appearance: none;
    background: none;
    cursor: pointer;
  }
  .rail input::-webkit-slider-runnable-track {
    height: 3px;
    border-radius: 2px;
    background: var(--tivo-edge);
  }
  .rail input::-moz-range-track {
    height: 3px;
    border-radius: 2px;
    background: var(--tivo-edge);
  }
  .rail input::-webkit-slider-thumb {
    appearance: none;
    width: 16px;
    height: 16px;
    margin-top: -6.5px;
    border: 2px solid var(--tivo-panel);
    border-radius: 50%;
    background: var(--tivo-accent);
    box-shadow: 0 0 0 1px var(--tivo-accent);
  }
  .rail input::-moz-range-thumb {
    width: 12px;
    height: 12px;
    border: 2px solid var(--tivo-panel);
    border-radius: 50%;
    background: var(--tivo-accent);
  }
  .rail input:disabled {
    opacity: 0.45;
    cursor: default;
  }
  .marks {
    position: absolute;
    inset: auto 8px 0;
    display: flex;
    justify-content: space-between;
    color: var(--tivo-faint);
    font-size: 10px;
    line-height: 12px;
  }
  .marks i {
    width: 0;
    display: flex;
    justify-content: center;
    font-style: normal;
  }
  .speed {
    display: grid;
    justify-items: start;
    width: 76px;
  }
  .speed input {
    width: 100%;
    height: 24px;
    padding: 0 6px;
    margin-left: -7px;
    border-color: transparent;
    background: none;
    font-size: 15px;
    font-weight: 500;
  }
  .speed input:not(:disabled):hover,
  .speed input:focus {
    border-color: var(--tivo-edge);
    background: var(--tivo-panel);
  }
  .speed small {
    font-size: 11px;
    line-height: 12px;
    color: var(--tivo-faint);
    white-space: nowrap;
  }
  .fit {
    display: flex;
    align-items: center;
    gap: 5px;
    color: var(--tivo-quiet);
    white-space: nowrap;
  }
  .fit input {
    width: 46px;
    text-align: right;
  }
  input:disabled {
    opacity: 0.55;
  }
  .loop[aria-pressed='true'] {
    border-color: var(--tivo-accent);
  }
  .flow {
    min-width: 64px;
    color: var(--tivo-quiet);
    text-align: right;
    white-space: nowrap;
  }
  .flow b {
    font-weight: 500;
    color: var(--tivo-ink);
  }
  .flow em {
    display: block;
    font-size: 11px;
    line-height: 12px;
    font-style: normal;
    color: var(--tivo-warn);
  }
  @media (max-width: 1100px) {
    :host {
      grid-template-columns: auto 1fr;
    }
    .pace {
      grid-column: 1 / -1;
    }
    .rail {
      flex: 1;
    }
  }
  @media (max-width: 700px) {
    :host {
      gap: 6px 10px;
      padding: 8px 12px 10px;
    }
    .place {
      display: grid;
      grid-template-columns: auto;
      justify-items: end;
      gap: 0;
    }
    .when {
      max-width: 100%;
      font-size: 11px;
      line-height: 14px;
    }
    .pace {
      flex-wrap: wrap;
      gap: 6px 12px;
    }
    .rail {
      flex: 1 1 200px;
      margin: 0 6px;
    }
    .speed {
      width: 88px;
    }
    .flow {
      margin-left: auto;
    }
    .live {
      margin-left: 4px;
    }
  }
`;
