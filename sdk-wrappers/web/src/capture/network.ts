/** `http.client.request`: fetch and XMLHttpRequest, with `traceparent` for the page's origin and allowed targets. */
import type { Client } from '../client.js';
import { scrubUrl } from '../core/scrub.js';

/** Most requests of one page view that become events; a page may poll. */
const MOST = 200;

interface Traced {
  header: string;
  ended: (status: number, type?: string) => void;
}

const hex = (bytes: number) =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (octet) => octet.toString(16).padStart(2, '0')).join('');

/** What is to be done for a request; null for those of the SDK itself. */
function begin(client: Client, method: string, address: string): Traced | null {
  const { endpoint, tracePropagationTargets = [] } = client._options;
  const url = new URL(address, location.href);
  if (url.href.startsWith(new URL(endpoint, location.href).href) || !/^http/.test(url.protocol)) return null;
  const allowed =
    url.origin === location.origin ||
    tracePropagationTargets.some((target) =>
      typeof target == 'string' ? url.href.startsWith(target) : target.test(url.href)
    );
  const trace = hex(16);
  const span = hex(8);
  const started = performance.now();
  return {
    header: allowed ? `00-${trace}-${span}-01` : '',
    ended: (status, type) => {
      if (!client._allows('requests', MOST)) return;
      client.measure('http.client.request', performance.now() - started, 'ms', {
        'http.request.method': method.toUpperCase(),
        'url.path': scrubUrl(url.pathname),
        'server.address': url.host,
        'http.response.status_code': status || null,
        'error.type': type,
        trace_id: allowed ? trace : null,
        span_id: allowed ? span : null,
      });
    },
  };
}

export function captureNetwork(client: Client): void {
  if (client._options.capture?.network === false) return;
  const safely = (method: string, address: string): Traced | null => {
    try {
      return begin(client, method, address);
    } catch {
      return null; // the browser will say what is wrong with it
    }
  };

  const original = window.fetch;
  window.fetch = async function (this: unknown, input, init) {
    const request = input instanceof Request ? input : null;
    const traced = safely(init?.method ?? request?.method ?? 'GET', request?.url ?? `${input as string | URL}`);
    if (!traced) return original.call(window, input, init);
    let told = init;
    if (traced.header) {
      const headers = new Headers(init?.headers ?? request?.headers);
      if (!headers.has('traceparent')) headers.set('traceparent', traced.header);
      told = { ...init, headers };
    }
    try {
      const response = await original.call(window, input, told);
      traced.ended(response.status);
      return response;
    } catch (error) {
      traced.ended(0, (error as Error | null)?.name);
      throw error;
    }
  };

  const { open, send } = XMLHttpRequest.prototype;
  const begun = new WeakMap<XMLHttpRequest, [string, string]>();
  XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, ...told: unknown[]) {
    begun.set(this, [`${told[0]}`, `${told[1]}`]);
    return open.apply(this, told as Parameters<typeof open>);
  };
  XMLHttpRequest.prototype.send = function (body) {
    const traced = safely(...(begun.get(this) ?? ['', 'about:blank']));
    if (traced) {
      if (traced.header) this.setRequestHeader('traceparent', traced.header);
      this.addEventListener('loadend', () => traced.ended(this.status, this.status ? undefined : 'error'), {
        once: true,
      });
    }
    return send.call(this, body);
  };
}
