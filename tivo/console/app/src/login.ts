/** `<tivo-login>`: where the gateway asks who somebody is. The token goes to the gateway, and stays in a cookie that no script can read. */
import { LitElement, css, html, nothing } from 'lit';

import { look } from './look.ts';
import { base } from './snippets.ts';

/** Who is logged in; `asks` says whether the gateway asks at all. */
export interface Login {
  asks: boolean;
  user: string | null;
  scopes: string[];
}

const address = (): URL => new URL('v1/login', base());

/** Who the cookie of this browser stands for. Undefined where that is not known, or the cookie is worth nothing any more. */
export async function whoIs(): Promise<Login | undefined> {
  const answer = await fetch(address()).catch(() => undefined);
  return answer?.ok ? answer.json() : undefined;
}

/** Takes the cookie away. */
export async function logOut(): Promise<void> {
  await fetch(address(), { method: 'DELETE' });
}

async function logIn(token: string): Promise<Login> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(address(), { method: 'POST', headers, body: JSON.stringify({ token }) });
  const told = await answer.json();
  if (!answer.ok) throw new Error(answer.status === 401 ? 'This token is not known, or has expired.' : told.detail);
  return told;
}

/** Tells `tivo-login` once somebody is in, with who it is. */
export class TivoLogin extends LitElement {
  static override properties = { why: { type: String }, refused: { state: true }, busy: { state: true } };
  /** Why somebody who was in is asked once more. */
  declare why: string;
  declare refused: string;
  declare busy: boolean;

  constructor() {
    super();
    this.why = this.refused = '';
    this.busy = false;
  }

  override firstUpdated(): void {
    this.#field.focus();
  }

  get #field(): HTMLInputElement {
    return this.renderRoot.querySelector('input')!;
  }

  async #submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (this.busy) return;
    this.busy = true;
    this.refused = this.why = '';
    try {
      const login = await logIn(this.#field.value.trim());
      this.#field.value = '';
      this.dispatchEvent(new CustomEvent('tivo-login', { detail: login }));
    } catch (error) {
      this.refused = (error as Error).message;
      this.#field.focus();
      this.#field.select();
    } finally {
      this.busy = false;
    }
  }

  override render() {
    const said = this.refused || this.why;
    return html`<form @submit=${this.#submit} aria-labelledby="title" aria-busy=${this.busy}>
      <h1 id="title">Log in</h1>
      <p id="what">This gateway wants to be shown a token. Whoever runs it makes one for you.</p>
      <label for="token">Token</label>
      <input
        id="token"
        type="password"
        name="token"
        required
        maxlength="4000"
        autocomplete="current-password"
        autocapitalize="off"
        spellcheck="false"
        aria-describedby="what said"
        aria-invalid=${this.refused ? 'true' : 'false'}
      />
      <button class="filled" aria-disabled=${this.busy}>${this.busy ? 'Logging in …' : 'Log in'}</button>
      <p id="said" role="alert">${said || nothing}</p>
    </form>`;
  }

  static override styles = [
    look,
    css`
      :host {
        grid-column: 1 / -1;
        display: grid;
        place-items: center;
        overflow: auto;
        padding: 32px 20px;
      }
      form {
        width: min(360px, 100%);
        display: grid;
        gap: 8px;
      }
      h1 {
        margin: 0;
        font-size: 24px;
        font-weight: 600;
        letter-spacing: -0.02em;
      }
      p {
        margin: 0;
        color: var(--tivo-quiet);
      }
      #what {
        margin-bottom: 10px;
        font-size: 15px;
      }
      label {
        font-weight: 500;
      }
      input {
        width: 100%;
        height: 36px;
        padding: 0 10px;
        border: 1px solid var(--tivo-edge);
        border-radius: 6px;
        background: var(--tivo-panel);
        font-family: var(--mono);
      }
      button {
        height: 36px;
        margin-top: 6px;
      }
      #said {
        min-height: 1.45em;
        color: var(--tivo-live);
      }
    `,
  ];
}

customElements.define('tivo-login', TivoLogin);
