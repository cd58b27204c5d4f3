import { css } from 'lit';

export const eventListStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
    background: var(--tivo-panel);
  }
  header {
    display: flex;
    align-items: center;
    justify-content: space-between;
    height: 36px;
    padding: 0 8px 0 14px;
    border-bottom: 1px solid var(--tivo-line);
    color: var(--tivo-faint);
    font-size: 12px;
  }
  header span {
    padding-right: 6px;
  }
  h2 {
    margin: 0;
    font-size: 12px;
    font-weight: 500;
    color: var(--tivo-quiet);
  }
  .fresh {
    height: 24px;
    color: var(--tivo-accent);
    font-size: 12px;
  }
  .rows {
    position: relative;
    flex: 1;
    min-height: 120px;
    overflow-y: auto;
    overflow-anchor: none;
    scrollbar-width: thin;
    scrollbar-color: var(--tivo-edge) transparent;
  }
  .rows:focus-visible {
    outline-offset: -2px;
  }
  .all {
    position: relative;
  }
  .row,
  .break {
    position: absolute;
    left: 0;
    right: 0;
    height: 26px;
    padding: 0 14px;
    display: flex;
    align-items: center;
    gap: 10px;
    white-space: nowrap;
    overflow: hidden;
  }
  .row {
    cursor: pointer;
    font-size: 12px;
  }
  .row:hover {
    background: var(--tivo-sunk);
  }
  .row[aria-selected='true'] {
    background: var(--tivo-wash);
    box-shadow: inset 2px 0 var(--tivo-accent);
  }
  .row time {
    color: var(--tivo-faint);
    flex: none;
  }
  .row b {
    font-weight: 500;
    flex: none;
    max-width: 40%;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .row span {
    color: var(--tivo-quiet);
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .row em {
    font-style: normal;
    font-size: 11px;
    padding: 0 5px;
    border-radius: 4px;
    border: 1px solid currentColor;
    color: var(--tivo-warn);
  }
  .break {
    color: var(--tivo-faint);
    font-size: 11px;
    justify-content: center;
  }
  .break::before,
  .break::after {
    content: '';
    flex: 1;
    border-top: 1px solid var(--tivo-line);
  }
  .none {
    margin: 18px 14px;
    color: var(--tivo-faint);
  }
  .detail {
    flex: none;
    max-height: 55%;
    overflow: auto;
    padding: 6px 14px 14px;
    border-top: 1px solid var(--tivo-line);
    background: var(--tivo-paper);
    scrollbar-width: thin;
  }
  .tools {
    display: flex;
    gap: 2px;
    margin: 0 -8px 4px;
  }
  .tools button:last-child {
    margin-left: auto;
  }
  .tools button {
    font-size: 12px;
  }
  dl {
    display: grid;
    grid-template-columns: 48px 1fr;
    gap: 1px 8px;
    margin: 0 0 8px;
    font-size: 12px;
  }
  dt {
    color: var(--tivo-faint);
  }
  dd {
    margin: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .id {
    font: 400 11px/18px var(--mono);
  }
`;
