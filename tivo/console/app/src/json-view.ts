/** A value as people read JSON: a line per field, nested ones folded out. */
import { type TemplateResult, css, html } from 'lit';

const DEEP = 8;

export function jsonView(value: unknown, depth = 0): TemplateResult {
  if (value === null || typeof value !== 'object')
    return html`<span class="json-${value === null ? 'null' : typeof value}">${JSON.stringify(value)}</span>`;
  const fields = Object.entries(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (!fields.length || depth === DEEP)
    return html`<span class="json-mark">${fields.length ? `${open} … ${close}` : open + close}</span>`;
  return html`<div class="json-fields">
    ${fields.map(([name, each]) =>
      each !== null && typeof each === 'object' && Object.keys(each).length
        ? html`<details open>
            <summary><span class="json-name">${name}</span></summary>
            ${jsonView(each, depth + 1)}
          </details>`
        : html`<div><span class="json-name">${name}</span> ${jsonView(each, depth + 1)}</div>`,
    )}
  </div>`;
}

export const jsonStyles = css`
  .json-fields {
    font: 400 12px/1.6 var(--mono);
    overflow-wrap: anywhere;
  }
  .json-fields .json-fields {
    padding-left: 14px;
    border-left: 1px solid var(--tivo-line);
    margin-left: 3px;
  }
  .json-name {
    color: var(--tivo-quiet);
  }
  .json-name::after {
    content: ' ';
  }
  .json-string {
    color: var(--tivo-ink);
  }
  .json-number {
    color: var(--tivo-accent);
  }
  .json-boolean,
  .json-null,
  .json-mark {
    color: var(--tivo-warn);
  }
  summary {
    cursor: pointer;
  }
`;
