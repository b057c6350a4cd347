import { DataSourceApi, DataSourceJsonData, MetricFindValue, ScopedVars, TimeRange } from '@grafana/data';
import { DataQuery } from '@grafana/schema';

import { QueryType } from './questions';

/** A condition as the API takes it. */
export interface Filter {
  key: string;
  op?: string;
  value?: string | string[];
}

/**
 * The body of a question to the API, without its range. The builder knows the named fields; whatever
 * else was written by hand stays as it is.
 */
export interface QuestionRequest {
  metric?: string;
  source?: string;
  agg?: string[];
  filters?: Filter[];
  groupBy?: string[];
  granularity?: string;
  limit?: number;
  service?: string;
  severity?: string;
  contains?: string;
  [field: string]: unknown;
}

export interface SeamarkQuery extends DataQuery {
  queryType?: QueryType;
  app?: string;
  legend?: string;
  traceId?: string;
  /** Of the ledger: what to count over time, for each app and signal; without it a table. */
  series?: string[];
  /** Of a breakdown, a funnel, services and errors: numbers with labels instead of a table. */
  format?: 'table' | 'numeric';
  /** Which number, where the format is numeric. */
  value?: string;
  request?: QuestionRequest;
  /** The dashboard's ad-hoc filters, as they are asked; never saved. */
  adHoc?: Filter[];
  /** Whether the editor shows the request as text. */
  asText?: boolean;
}

export type SeamarkOptions = DataSourceJsonData;

export interface SeamarkSecrets {
  token?: string;
}

/** A variable: names of metrics, or values of a dimension. */
export interface VariableQuery {
  refId: string;
  kind: 'metrics' | 'labels' | 'values';
  metric?: string;
  label?: string;
  prefix?: string;
}

/** What template variables need of the datasource. */
export interface VariableSource extends DataSourceApi<SeamarkQuery, SeamarkOptions> {
  metricFindQuery(
    query: VariableQuery,
    options?: { range?: TimeRange; scopedVars?: ScopedVars }
  ): Promise<MetricFindValue[]>;
}

export const DEFAULT_QUERY: Partial<SeamarkQuery> = {
  queryType: 'timeseries',
  request: { metric: 'page_view', agg: ['count'] },
};
