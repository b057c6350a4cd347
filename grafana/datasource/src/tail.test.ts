import {
  DataQueryRequest,
  DataQueryResponse,
  DataSourceInstanceSettings,
  LiveChannelScope,
  LoadingState,
} from '@grafana/data';
import {
  DataSourceWithBackend,
  GrafanaLiveSrv,
  LiveDataStreamOptions,
  setGrafanaLiveSrv,
  setTemplateSrv,
  TemplateSrv,
} from '@grafana/runtime';
import { lastValueFrom, of, toArray } from 'rxjs';

import { SeamarkDatasource } from './datasource';
import { searchOf } from './tail';
import { SeamarkOptions, SeamarkQuery } from './types';

const opened: LiveDataStreamOptions[] = [];
const source = new SeamarkDatasource({ uid: 'u', name: 'Seamark' } as DataSourceInstanceSettings<SeamarkOptions>);

function live(...targets: SeamarkQuery[]): Promise<DataQueryResponse[]> {
  const request = { targets, liveStreaming: true, scopedVars: {} } as unknown as DataQueryRequest<SeamarkQuery>;
  return lastValueFrom(source.query(request).pipe(toArray()));
}

beforeEach(() => {
  opened.length = 0;
  setTemplateSrv({ replace: (text?: string) => (text ?? '').replace('$app', 'shop') } as unknown as TemplateSrv);
  setGrafanaLiveSrv({
    getDataStream: (options: LiveDataStreamOptions) => {
      opened.push(options);
      return of({ data: [], key: options.key, state: LoadingState.Streaming });
    },
  } as unknown as GrafanaLiveSrv);
});

describe('a live tail', () => {
  const logs: SeamarkQuery = { refId: 'A', queryType: 'logs', app: '$app', request: { service: 'cart', limit: 50 } };

  it('is a channel of the search, with its variables in', async () => {
    const found = await live(logs);
    expect(found.map(({ state }) => state)).toEqual([LoadingState.Streaming]);
    const { addr, buffer } = opened[0];
    expect(addr).toMatchObject({ scope: LiveChannelScope.DataSource, stream: 'u', namespace: 'u' });
    expect(addr.path).toMatch(/^tail\/[0-9a-f]{16}$/);
    expect(addr.data).toEqual({ queryType: 'logs', app: 'shop', request: { service: 'cart' } });
    expect(buffer?.maxLength).toBeGreaterThan(0);
  });

  it('is shared by the same search whatever its page, and by no other', async () => {
    await live(logs, { ...logs, refId: 'B', request: { service: 'cart', order: 'asc' } });
    await live({ ...logs, request: { service: 'pay' } }, { ...logs, app: 'blog' });
    const paths = opened.map(({ addr }) => addr.path);
    expect(paths[0]).toBe(paths[1]);
    expect(new Set(paths).size).toBe(3);
  });

  it('is of logs alone', async () => {
    const [answer] = await live({ refId: 'A', queryType: 'traces' }, { ...logs, hide: true });
    expect(opened).toEqual([]);
    expect(answer.errors?.[0].message).toContain('logs');
  });

  it('leaves other requests to the backend', () => {
    const asked = jest.spyOn(DataSourceWithBackend.prototype, 'query').mockReturnValue(of({ data: [] }));
    source.query({ targets: [logs] } as DataQueryRequest<SeamarkQuery>);
    expect(asked).toHaveBeenCalledTimes(1);
    asked.mockRestore();
  });

  it('keeps whatever else was written into the request', () => {
    expect(searchOf({ refId: 'A', request: { before: 'now', somethingNew: 1 } }).request).toEqual({ somethingNew: 1 });
  });
});
