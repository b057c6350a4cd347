/** `page_view`: at the start and at each change of the route. Other events carry the route as `page`. */
import type { Client } from '../client.js';
import { scrubUrl } from '../core/scrub.js';

export function capturePages(client: Client): void {
  const { routeName, urlDenyParams, capture } = client._options;
  let last = '';
  let referrer = document.referrer;
  const look = () => {
    const url = new URL(location.href);
    // a hash that begins with a slash is a route, any other a place in the page
    const path = url.pathname + (/^#!?\//.test(url.hash) ? url.hash : '');
    if (path === last) return;
    last = path;
    client._page = routeName ? routeName(url) : scrubUrl(path.replace(/[?].*/, ''));
    if (capture?.pageViews !== false) {
      client.page(client._page, {
        'url.path': scrubUrl(url.pathname),
        'url.full': scrubUrl(url.href, urlDenyParams),
        'http.request.header.referer': referrer && scrubUrl(referrer, urlDenyParams),
      });
    }
    referrer = url.href;
  };
  const changed = () => client._safely(look);
  for (const name of ['pushState', 'replaceState'] as const) {
    const original = history[name];
    history[name] = function (...change) {
      original.apply(this, change);
      changed();
    };
  }
  addEventListener('popstate', changed);
  addEventListener('pageshow', (event) => {
    if (event.persisted) last = '';
    changed();
  });
  look();
}
