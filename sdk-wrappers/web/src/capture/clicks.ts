/** `feature_click`, `click` and `rage_click`. No text of the page is read. */
import type { Client } from '../client.js';
import type { Attributes } from '../core/fitting.js';

const CHOSEN = '[data-feature-id],[data-button-id],button,a,[role=button],summary,input[type=submit]';
const RAGE_CLICKS = 4;
const RAGE_MS = 1000;
const RAGE_PIXELS = 30;

export function captureClicks(client: Client): void {
  const { clicks = true, rageClicks = true } = client._options.capture ?? {};
  let series: MouseEvent[] = [];
  const clicked = (event: MouseEvent) => {
    const hit = event.composedPath()[0];
    if (!(hit instanceof Element) || hit.closest('[data-seamark-ignore]')) return;
    const chosen = hit.closest<HTMLElement>(CHOSEN);
    if (chosen && clicks) {
      const attributes = about(chosen);
      client.track(attributes.feature_id || attributes.button_id ? 'feature_click' : 'click', attributes);
    }
    series = series.filter((one) => event.timeStamp - one.timeStamp < RAGE_MS && isNear(one, event));
    series.push(event);
    if (rageClicks && series.length === RAGE_CLICKS && !hit.closest('input,textarea,select,[data-seamark-rage=off]')) {
      client.track('rage_click', about(chosen ?? hit));
    }
  };
  addEventListener('click', (event) => client._safely(() => clicked(event)), { capture: true, passive: true });
}

function about(element: Element): Attributes {
  const told = (name: string) => element.closest(`[data-${name}]`)?.getAttribute(`data-${name}`);
  return {
    feature_id: told('feature-id'),
    button_id: told('button-id'),
    'element.tag': element.tagName.toLowerCase(),
    'element.id': element.id || null,
  };
}

function isNear(one: MouseEvent, other: MouseEvent): boolean {
  return (
    one.target === other.target && Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) < RAGE_PIXELS
  );
}
