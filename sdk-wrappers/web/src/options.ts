/** What `init` takes. */
import type { Attributes, Scalar } from './core/fitting.js';

/** `pending`: at most 200 events in memory, nothing stored or sent; `denied`: nothing taken, everything wiped. */
export type Consent = 'granted' | 'pending' | 'denied';

/** One event as it is queued; `beforeSend` sees it so. */
export interface SeamarkEvent {
  id: string;
  ts: number;
  name: string;
  value?: number;
  unit?: string;
  attrs: Record<string, Scalar>;
  sessionId: string;
  userAnonId?: string;
  device?: Record<string, Scalar>;
}

/** What is captured without a call. A minor version never switches one on. */
export interface Capture {
  /** `page_view` at the start and at each change of the route. Default true. */
  pageViews?: boolean;
  /** LCP, INP, CLS, TTFB, FCP. Default true. */
  vitals?: boolean;
  /** Uncaught errors and unhandled rejections. Default true. */
  errors?: boolean;
  /** `feature_click` of elements with `data-feature-id` or `data-button-id`, `click` of other buttons and links. Default true. */
  clicks?: boolean;
  /** `rage_click`: four clicks on one element within a second. Default true. */
  rageClicks?: boolean;
  /** `http.client.request` of fetch and XMLHttpRequest. Default true. */
  network?: boolean;
  /** `browser.long_frame`: frames that block for 100 ms or more. Default true. */
  longFrames?: boolean;
}

export interface Options {
  /** A public ingest key of the app. */
  key: string;
  /** The collector, as `https://ingest.example`. */
  endpoint: string;
  /** Must be the app of the key, where it is given. */
  appId?: string;
  /** `service.name` of every event. */
  service?: string;
  release?: string;
  environment?: string;
  /** Share of sessions that are sent. Default 1. */
  sampleRate?: number;
  /** Default `granted`; under Global Privacy Control `pending`. */
  consent?: Consent;
  /** `memory`: nothing is written to the device. Default `local`: localStorage. */
  persistence?: 'local' | 'memory';
  /** Hashed with the ids of `identify`; the same in all SDKs of an app. */
  userSalt?: string;
  /** Names of URL parameters whose values are masked, beside the usual ones. */
  urlDenyParams?: readonly string[];
  /** The route of a URL, so that `/item/17` and `/item/18` are one page. Default: its path. */
  routeName?: (url: URL) => string;
  /** The event as it will be queued, changed or not; null drops it. */
  beforeSend?: (event: SeamarkEvent) => SeamarkEvent | null;
  /** Origins or URLs besides the page's own that get a `traceparent`. */
  tracePropagationTargets?: readonly (string | RegExp)[];
  capture?: Capture;
  /** Events of a batch (50), its bytes (48,000), milliseconds between batches (5,000). */
  batch?: { events?: number; bytes?: number; intervalMs?: number };
  /** Most bytes that wait on the device. Default 1,000,000. */
  storeBytes?: number;
}

/** Outcomes in this page. */
export interface Statistics {
  tracked: number;
  sampled: number;
  delivered: number;
  rejected: number;
  retries: number;
  dropped: Record<string, number>;
  lastError: string;
  /** Why nothing is sent any more; "" while sending. */
  stopped: string;
  waitingBatches: number;
}

/** The API. No call throws, and none waits for the network but `flush` and `shutdown`. */
export interface Seamark {
  track(name: string, attributes?: Attributes, value?: number, unit?: string): void;
  page(name?: string, attributes?: Attributes): void;
  feature(featureId: string, attributes?: Attributes): void;
  measure(name: string, value: number, unit?: string, attributes?: Attributes): void;
  captureError(error: unknown, attributes?: Attributes): void;
  /** Sends a hash of the id from now on, or with `raw` the id itself; null: of no user. */
  identify(id: string | null, options?: { raw?: boolean }): void;
  setContext(attributes: Attributes): void;
  setConsent(consent: Consent): void;
  /** Forget user, context and session. */
  reset(): void;
  /** Whether everything tracked so far was delivered within the time. */
  flush(timeoutMs?: number): Promise<boolean>;
  shutdown(): Promise<boolean>;
  readonly sessionId: string;
  stats(): Statistics;
}
