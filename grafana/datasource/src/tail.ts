import { DataQueryResponse, LiveChannelScope, LoadingState, StreamingFrameAction } from '@grafana/data';
import { getGrafanaLiveSrv } from '@grafana/runtime';
import { merge, Observable, of } from 'rxjs';

import { SeamarkQuery } from './types';

/** Lines that are kept in the browser; older ones go. */
const MOST_LINES = 1000;

const PAGE_FIELDS = new Set(['from', 'to', 'order', 'limit', 'before', 'cursor', 'sql']);

/** What tells one tail from another: fields that only say which page is shown do not. */
export function searchOf({ app, request, adHoc }: SeamarkQuery) {
  const search = Object.entries(request ?? {}).filter(([field]) => !PAGE_FIELDS.has(field));
  const more = adHoc?.length ? { adHoc } : {};
  return { queryType: 'logs', app, request: Object.fromEntries(search), ...more };
}

/**
 * The new records of every search in logs, as they arrive. Panels that follow the same search share one
 * channel: its name is a hash of the search, which goes with it for the backend to ask.
 */
export function tailed(uid: string, queries: SeamarkQuery[]): Observable<DataQueryResponse> {
  const searches = queries.filter(({ queryType }) => queryType === 'logs');
  if (searches.length === 0) {
    return of({
      data: [],
      state: LoadingState.Done,
      errors: [{ message: 'Only searches in logs can be followed live.' }],
    });
  }
  return merge(
    ...searches.map((query) => {
      const search = searchOf(query);
      return getGrafanaLiveSrv().getDataStream({
        key: `seamark-tail-${query.refId}`,
        addr: {
          scope: LiveChannelScope.DataSource,
          stream: uid,
          namespace: uid, // its name in versions before `stream`
          path: `tail/${hashOf(JSON.stringify(search))}`,
          data: search,
        },
        buffer: { maxLength: MOST_LINES, action: StreamingFrameAction.Append },
      });
    })
  );
}

/**
 * Names the channel of a search. FNV-1a, twice, because browsers give SHA-256 to pages over https
 * alone; two searches that met would be shown as one, which no one's rights depend on.
 */
function hashOf(text: string): string {
  return [0x811c9dc5, 0x01000193].map((start) => fnv1a(text, start).toString(16).padStart(8, '0')).join('');
}

function fnv1a(text: string, start: number): number {
  let hash = start;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}
