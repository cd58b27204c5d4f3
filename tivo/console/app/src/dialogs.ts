/** The three sheets that lie over the console: code to copy, the keys, and a time to go to. */
import { LitElement, css, html, nothing } from 'lit';

import { copy } from './clipboard.ts';
import { KEYS } from './keys.ts';
import { icon, look } from './look.ts';
import { type Playing, asPage, asPython, asShell } from './snippets.ts';

const sheet = css`
  dialog {
    width: min(640px, calc(100vw - 32px));
    max-height: calc(100vh - 64px);
    padding: 0;
    border: 1px solid var(--tivo-line);
    border-radius: 12px;
    background: var(--tivo-panel);
    color: var(--tivo-ink);
    box-shadow: 0 24px 64px #0005;
    overflow: auto;
  }
  dialog::backdrop {
    background: #0007;
  }
  header {
    display: flex;
    align-items: center;
    justify-content: space-between;
    padding: 14px 12px 6px 20px;
  }
  h2 {
    margin: 0;
    font-size: 15px;
    font-weight: 600;
  }
  .body {
    padding: 4px 20px 20px;
  }
  p {
    margin: 0 0 12px;
    color: var(--tivo-quiet);
  }
`;

abstract class Sheet extends LitElement {
  open(): void {
    this.renderRoot.querySelector('dialog')!.showModal();
  }

  close(): void {
    this.renderRoot.querySelector('dialog')!.close();
  }

  protected frame(title: string, body: unknown) {
    return html`<dialog
      aria-label=${title}
      @click=${(event: MouseEvent) => event.target === event.currentTarget && this.close()}
    >
      <header>
        <h2>${title}</h2>
        <button class="icon" aria-label="Close" @click=${this.close}>${icon('close')}</button>
      </header>
      <div class="body">${body}</div>
    </dialog>`;
  }
}

const WAYS = { Page: asPage, Shell: asShell, Python: asPython };
type Way = keyof typeof WAYS;

/** `<tivo-use>`: the present topic, window and speed as code. */
export class TivoUse extends Sheet {
  static override properties = { playing: { attribute: false }, way: { state: true }, copied: { state: true } };
  declare playing: Playing | undefined;
  declare way: Way;
  declare copied: boolean;

  constructor() {
    super();
    this.way = 'Page';
    this.copied = false;
  }

  async #copy(text: string): Promise<void> {
    await copy(text);
    this.copied = true;
    setTimeout(() => (this.copied = false), 1200);
  }

  override render() {
    const code = this.playing ? WAYS[this.way](this.playing) : '';
    return this.frame(
      'Use this in your page',
      html`<p>What you look at now, as code: same topic, window, speed and loop.</p>
        <div class="ways" role="tablist">
          ${(Object.keys(WAYS) as Way[]).map(
            (way) =>
              html`<button role="tab" aria-selected=${way === this.way} @click=${() => (this.way = way)}>
                ${way}
              </button>`,
          )}
          <button class="outlined copy" @click=${() => this.#copy(code)}>
            ${icon(this.copied ? 'check' : 'copy')}${this.copied ? 'Copied' : 'Copy'}
          </button>
        </div>
        <pre tabindex="0">${code}</pre>`,
    );
  }

  static override styles = [
    look,
    sheet,
    css`
      .ways {
        display: flex;
        gap: 4px;
        margin-bottom: 8px;
      }
      .ways [aria-selected='true'] {
        background: var(--tivo-wash);
        color: var(--tivo-accent);
      }
      .copy {
        margin-left: auto;
      }
      pre {
        margin: 0;
        padding: 14px 16px;
        border-radius: 8px;
        background: var(--tivo-sunk);
        font: 400 12px/1.6 var(--mono);
        overflow-x: auto;
        user-select: all;
      }
    `,
  ];
}

/** `<tivo-help>`: the keyboard. */
export class TivoHelp extends Sheet {
  override render() {
    return this.frame(
      'Keyboard',
      html`<dl>
        ${KEYS.map(
          ([keys, does]) =>
            html`<dt>${keys.split(/\s+/).map((key) => (key === '…' ? key : html`<kbd>${key}</kbd>`))}</dt>
              <dd>${does}</dd>`,
        )}
      </dl>`,
    );
  }

  static override styles = [
    look,
    sheet,
    css`
      dialog {
        width: min(420px, calc(100vw - 32px));
      }
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 7px 18px;
        margin: 0;
      }
      dt {
        display: flex;
        gap: 4px;
      }
      dd {
        margin: 0;
        color: var(--tivo-quiet);
      }
      kbd {
        min-width: 22px;
        padding: 1px 6px;
        border: 1px solid var(--tivo-line);
        border-bottom-width: 2px;
        border-radius: 5px;
        font: 500 12px/18px var(--sans);
        text-align: center;
      }
    `,
  ];
}

/** `<tivo-goto>`: a time, written as one likes; dispatches `tivo-goto` with its text. */
export class TivoGoto extends Sheet {
  static override properties = { refused: { state: true } };
  /** What is wrong with the time, where it was refused. */
  declare refused: string;

  constructor() {
    super();
    this.refused = '';
  }

  override close(): void {
    this.refused = '';
    this.renderRoot.querySelector('form')!.reset();
    super.close();
  }

  #go(event: SubmitEvent): void {
    event.preventDefault();
    const time = String(new FormData(event.target as HTMLFormElement).get('time')).trim();
    this.dispatchEvent(new CustomEvent('tivo-goto', { detail: time }));
  }

  override render() {
    return this.frame(
      'Go to a time',
      html`<form @submit=${this.#go}>
          <input
            type="text"
            name="time"
            required
            autofocus
            autocomplete="off"
            spellcheck="false"
            placeholder="2026-11-22T14:30:00Z"
            aria-label="Time"
          />
          <button class="filled">Go</button>
        </form>
        ${this.refused ? html`<p class="refused" role="alert">${this.refused}</p>` : nothing}
        <p>
          Also <code>now-3h</code>, <code>-10m</code> or <code>+30s</code> from here, <code>beginning</code>, seconds
          since 1970.
        </p>`,
    );
  }

  static override styles = [
    look,
    sheet,
    css`
      dialog {
        width: min(420px, calc(100vw - 32px));
      }
      form {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 8px;
        margin-bottom: 10px;
      }
      input {
        height: 32px;
      }
      button.filled {
        height: 32px;
        padding: 0 16px;
      }
      p {
        margin: 0;
        font-size: 12px;
      }
      p.refused {
        margin-bottom: 8px;
        color: var(--tivo-live);
      }
      code {
        font: 400 12px var(--mono);
        color: var(--tivo-ink);
      }
    `,
  ];
}

customElements.define('tivo-use', TivoUse);
customElements.define('tivo-help', TivoHelp);
customElements.define('tivo-goto', TivoGoto);
