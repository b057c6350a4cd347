import { CoreApp, DataQueryRequest, DataSourceInstanceSettings, SupplementaryQueryType } from '@grafana/data';
import { setTemplateSrv, TemplateSrv } from '@grafana/runtime';

import { SeamarkDatasource } from './datasource';
import { SeamarkOptions, SeamarkQuery } from './types';

const asked: Array<[string, unknown]> = [];

function connect(answer: unknown): SeamarkDatasource {
  const source = new SeamarkDatasource({ uid: 'u', name: 'Seamark' } as DataSourceInstanceSettings<SeamarkOptions>);
  source.getResource = async <T>(path: string, params?: unknown) => {
    asked.push([path, params]);
    return answer as T;
  };
  return source;
}

beforeEach(() => {
  asked.length = 0;
  const replace = (text = '') => text.replace('$app', 'shop').replace('$none', '');
  setTemplateSrv({ replace } as unknown as TemplateSrv);
});

describe('filterQuery', () => {
  const source = connect({});
  const asks = (query: Partial<SeamarkQuery>) => source.filterQuery({ refId: 'A', ...query });

  it('asks only what says enough', () => {
    expect(asks({ queryType: 'timeseries', request: { metric: 'a' } })).toBe(true);
    expect(asks({ queryType: 'timeseries', request: {} })).toBe(false);
    expect(asks({})).toBe(false);
    expect(asks({ request: { metric: 'a' } })).toBe(true);
    expect(asks({ queryType: 'top', request: { metric: 'a' } })).toBe(false);
    expect(asks({ queryType: 'trace' })).toBe(false);
    expect(asks({ queryType: 'trace', traceId: '$app' })).toBe(true);
    expect(asks({ queryType: 'trace', traceId: '$none' })).toBe(false);
    expect(asks({ queryType: 'logs', hide: true })).toBe(false);
    expect(asks({ queryType: 'logs' })).toBe(true);
    expect(asks({ queryType: 'logs', request: { traceId: '' } })).toBe(true);
    expect(asks({ queryType: 'logs', request: { traceId: '$app' } })).toBe(true);
    expect(asks({ queryType: 'logs', request: { traceId: '$none' } })).toBe(false);
    expect(asks({ queryType: 'ledger' })).toBe(true);
    expect(asks({ queryType: 'context', request: { id: 'a', time: '1' } })).toBe(true);
  });
});

describe('Explore', () => {
  const source = connect({});

  it('begins with logs, and a dashboard with a series', () => {
    expect(source.getDefaultQuery(CoreApp.Explore).queryType).toBe('logs');
    expect(source.getDefaultQuery(CoreApp.Dashboard).queryType).toBe('timeseries');
  });

  it('gets a histogram of the searches in logs alone', () => {
    const targets: SeamarkQuery[] = [
      { refId: 'A', queryType: 'logs' },
      { refId: 'B', queryType: 'traces' },
    ];
    const request = { targets } as DataQueryRequest<SeamarkQuery>;
    const found = source.getSupplementaryRequest(SupplementaryQueryType.LogsVolume, request);
    expect(found?.targets.map(({ refId }) => refId)).toEqual(['log-volume-A']);
    expect(source.getSupplementaryRequest(SupplementaryQueryType.LogsSample, request)).toBeUndefined();
  });
});

describe('templates', () => {
  it('replaces variables without losing what it does not know', () => {
    const query = { refId: 'A', queryType: 'logs' as const, app: '$app', request: { service: '$app', own: { b: 1 } } };
    const replaced = connect({}).applyTemplateVariables(query, {}, [{ key: 'k', operator: '=', value: 'v' }]);
    expect(replaced).toMatchObject({ app: 'shop', request: { service: 'shop', own: { b: 1 } } });
    expect(replaced.adHoc).toEqual([{ key: 'k', op: '=', value: 'v' }]);
  });

  it('offers values of a dimension, bounded, the empty one as it reads everywhere', async () => {
    const source = connect({ values: [{ value: '' }, { value: 'DE' }] });
    const found = await source.metricFindQuery({ refId: 'v', kind: 'values', label: 'a/b', metric: '$app' });
    expect(found).toEqual([
      { text: '(none)', value: '(none)' },
      { text: 'DE', value: 'DE' },
    ]);
    expect(asked).toEqual([['labels/a%2Fb/values', { metric: 'shop', prefix: '', limit: 200 }]]);
  });

  it('says which filters apply, and why others do not', async () => {
    const source = connect({ labels: [{ name: 'country', source: 'events' }] });
    const filters = [
      { key: 'country', operator: '=', value: 'DE' },
      { key: 'operation', operator: '=', value: 'GET /' },
    ];
    const series: SeamarkQuery[] = [{ refId: 'A', queryType: 'timeseries', request: { metric: 'page_view' } }];
    expect(await source.getDrilldownsApplicability({ filters, queries: series })).toMatchObject([
      { key: 'country', applicable: true },
      { key: 'operation', applicable: false, reason: 'operation is no dimension of what is asked here' },
    ]);
    const ledger: SeamarkQuery[] = [{ refId: 'A', queryType: 'ledger' }];
    expect(await source.getDrilldownsApplicability({ filters, queries: ledger })).toMatchObject([
      { applicable: false, reason: 'this question takes no filters' },
      { applicable: false },
    ]);
  });

  it('offers dimensions for ad-hoc filters', async () => {
    const keys = await connect({ labels: [{ name: 'country', source: 'events' }] }).getTagKeys();
    expect(keys).toEqual([{ text: 'country', value: 'country' }]);
  });
});

describe('annotations', () => {
  it('are deploys and releases by default', () => {
    expect(connect({}).annotations?.getDefaultQuery?.()).toEqual({
      queryType: 'annotations',
      request: { names: ['deploy', 'release'] },
    });
  });
});
