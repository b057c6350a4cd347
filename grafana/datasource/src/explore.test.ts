import { FieldType, LogRowContextQueryDirection, LogRowModel } from '@grafana/data';

import { contextOf, hasFilter, toggled, volumeOf } from './explore';
import { SeamarkQuery } from './types';

const LOGS: SeamarkQuery = { refId: 'A', queryType: 'logs', request: { service: 'cart', own: 1 } };

function row(fields: Record<string, string>): LogRowModel {
  return {
    rowIndex: 0,
    timeEpochNs: '1795343040123456789',
    timeEpochMs: 1795343040123,
    labels: { app: 'shop' },
    dataFrame: {
      length: 1,
      fields: Object.entries(fields).map(([name, value]) => ({
        name,
        type: FieldType.string,
        config: {},
        values: [value],
      })),
    },
  } as unknown as LogRowModel;
}

describe('volumeOf', () => {
  it('is the same search under the name that Grafana looks for', () => {
    expect(volumeOf(LOGS)).toEqual({ ...LOGS, refId: 'log-volume-A', queryType: 'logvolume' });
    expect(volumeOf({ ...LOGS, queryType: 'traces' })).toBeUndefined();
    expect(volumeOf({ ...LOGS, hide: true })).toBeUndefined();
  });
});

describe('contextOf', () => {
  const record = row({ id: '9f86d081884c7d65', service: 'cart' });

  it('asks for one side of the record, at its nanosecond', () => {
    const request = { id: '9f86d081884c7d65', time: '1795343040123456789', service: 'cart' };
    const forward = contextOf(record, { direction: LogRowContextQueryDirection.Forward, limit: 5 });
    expect(forward).toMatchObject({ queryType: 'context', app: 'shop', request: { ...request, before: 0, after: 5 } });
    expect(contextOf(record)?.request).toEqual({ ...request, before: 10, after: 0 });
    expect(contextOf(record, { timeWindowMs: 90_500 })?.request?.withinSec).toBe(91);
  });

  it('asks nothing of another datasource’s row', () => {
    expect(contextOf(row({ line: 'x' }))).toBeUndefined();
  });
});

describe('toggled', () => {
  const country = { key: 'country', value: 'US' };

  it('adds, takes away, and replaces the opposite', () => {
    const only = toggled(LOGS, country, '=');
    expect(only.request).toEqual({ service: 'cart', own: 1, filters: [{ key: 'country', op: '=', value: 'US' }] });
    expect(hasFilter(only, country)).toBe(true);
    expect(toggled(only, country, '=').request?.filters).toEqual([]);
    expect(toggled(only, country, '!=').request?.filters).toEqual([{ key: 'country', op: '!=', value: 'US' }]);
  });
});
