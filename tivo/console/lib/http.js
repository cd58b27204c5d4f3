import { TivoError } from './protocol.js';

/**
 * Asks the HTTP API; gives its JSON, throws TivoError with what the gateway says (RFC 9457).
 * @param {{base: string | URL, token?: string | undefined}} gateway
 * @param {string[]} path  segments below `v1/topics/`
 * @param {Record<string, any>} [query]
 * @param {object} [body]  with one it is a POST
 * @returns {Promise<any>}
 */
export async function ask({ base, token }, path, query = {}, body) {
  const url = new URL(`v1/${['topics', ...path].map(encodeURIComponent).join('/')}`, base);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value instanceof Date ? value.toISOString() : value);
  }
  /** @type {Record<string, string>} */
  const headers = body ? { 'content-type': 'application/json' } : {};
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await fetch(url, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const { detail, title, code, retryable } = answer;
  const message = detail ?? title ?? `${url.pathname} answered ${response.status}`;
  throw new TivoError(message, {
    code: code ?? response.status,
    retryable: Boolean(retryable),
    status: response.status,
  });
}
