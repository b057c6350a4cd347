import { LogRowContextOptions, LogRowContextQueryDirection, LogRowModel, QueryFilterOptions } from '@grafana/data';

import { Filter, SeamarkQuery } from './types';

/** Grafana takes this prefix off again, to know which query a histogram belongs to. */
export const VOLUME_PREFIX = 'log-volume-';

/** How many records there are, of the same search, by level; nothing where the query is no search in logs. */
export function volumeOf(query: SeamarkQuery): SeamarkQuery | undefined {
  if (query.queryType !== 'logs' || query.hide) {
    return undefined;
  }
  return { ...query, refId: `${VOLUME_PREFIX}${query.refId}`, queryType: 'logvolume' };
}

/** The records of the same service before or after one; nothing where the row is not of this datasource. */
export function contextOf(row: LogRowModel, options?: LogRowContextOptions): SeamarkQuery | undefined {
  const id = cell(row, 'id');
  if (!id) {
    return undefined;
  }
  const forward = options?.direction === LogRowContextQueryDirection.Forward;
  const limit = options?.limit ?? 10;
  const request: Record<string, unknown> = {
    id,
    time: row.timeEpochNs,
    service: cell(row, 'service'),
    before: forward ? 0 : limit,
    after: forward ? limit : 0,
  };
  if (options?.timeWindowMs) {
    request.withinSec = Math.min(Math.max(Math.ceil(options.timeWindowMs / 1000), 1), 86_400);
  }
  return {
    refId: `context-${forward ? 'after' : 'before'}`,
    queryType: 'context',
    app: row.labels.app,
    request,
  };
}

function cell(row: LogRowModel, name: string): string {
  const field = row.dataFrame.fields.find((found) => found.name === name);
  return String(field?.values[row.rowIndex] ?? '');
}

/** Whether a query asks for exactly this value. */
export function hasFilter(query: SeamarkQuery, { key, value }: QueryFilterOptions): boolean {
  return (query.request?.filters ?? []).some((filter) => says(filter, key, '=', value));
}

/** The query with a condition of its own more, or without it where it had it; its opposite goes. */
export function toggled(query: SeamarkQuery, { key, value }: QueryFilterOptions, op: '=' | '!='): SeamarkQuery {
  const filters = query.request?.filters ?? [];
  const opposite = op === '=' ? '!=' : '=';
  const others = filters.filter((filter) => !says(filter, key, op, value) && !says(filter, key, opposite, value));
  const had = filters.some((filter) => says(filter, key, op, value));
  return { ...query, request: { ...query.request, filters: had ? others : [...others, { key, op, value }] } };
}

function says(filter: Filter, key: string, op: string, value: string): boolean {
  return filter.key === key && (filter.op ?? '=') === op && filter.value === value;
}
