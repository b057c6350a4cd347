import {
  AdHocVariableFilter,
  CoreApp,
  DataQueryRequest,
  DataQueryResponse,
  DataSourceGetDrilldownsApplicabilityOptions,
  DataSourceGetTagKeysOptions,
  DataSourceGetTagValuesOptions,
  DataSourceInstanceSettings,
  DataSourceWithLogsContextSupport,
  DataSourceWithSupplementaryQueriesSupport,
  DataSourceWithToggleableQueryFiltersSupport,
  dateTime,
  DrilldownsApplicability,
  LogRowContextOptions,
  LogRowModel,
  MetricFindValue,
  QueryFilterOptions,
  ScopedVars,
  SupplementaryQueryOptions,
  SupplementaryQueryType,
  TimeRange,
  ToggleFilterAction,
} from '@grafana/data';
import { DataSourceWithBackend, getTemplateSrv } from '@grafana/runtime';
import { lastValueFrom, Observable } from 'rxjs';

import { contextOf, hasFilter, toggled, volumeOf } from './explore';
import { isComplete, takesFilters } from './forms';
import { tailed } from './tail';
import { adHocFilters, interpolate, withNumbers } from './request';
import { DEFAULT_QUERY, QuestionRequest, SeamarkOptions, SeamarkQuery, VariableQuery } from './types';
import { SeamarkVariables } from './variables';

/** Values offered at once; what is not among them is found by its beginning. */
const MOST_OFFERED = 200;

interface Named {
  name: string;
  source: string;
}

interface Counted {
  value: string;
  count: number;
}

/** Seamark in the browser: variables, filters and completion. Data comes through the backend alone. */
export class SeamarkDatasource
  extends DataSourceWithBackend<SeamarkQuery, SeamarkOptions>
  implements
    DataSourceWithSupplementaryQueriesSupport<SeamarkQuery>,
    DataSourceWithLogsContextSupport<SeamarkQuery>,
    DataSourceWithToggleableQueryFiltersSupport<SeamarkQuery>
{
  constructor(settings: DataSourceInstanceSettings<SeamarkOptions>) {
    super(settings);
    this.variables = new SeamarkVariables(this);
    this.annotations = {
      getDefaultQuery: () => ({ queryType: 'annotations', request: { names: ['deploy', 'release'] } }),
    };
  }

  /** Explore's live tail is a stream of Grafana's; everything else is asked of the backend. */
  query(request: DataQueryRequest<SeamarkQuery>): Observable<DataQueryResponse> {
    if (!request.liveStreaming) {
      return super.query(request);
    }
    const queries = request.targets
      .filter((query) => this.filterQuery(query))
      .map((query) => this.applyTemplateVariables(query, request.scopedVars, request.filters));
    return tailed(this.uid, queries);
  }

  getDefaultQuery(app: CoreApp): Partial<SeamarkQuery> {
    return app === CoreApp.Explore ? { queryType: 'logs', request: {} } : DEFAULT_QUERY;
  }

  applyTemplateVariables(query: SeamarkQuery, scopedVars: ScopedVars, filters?: AdHocVariableFilter[]): SeamarkQuery {
    const templates = getTemplateSrv();
    const replace = templates.replace.bind(templates);
    return {
      ...query,
      app: replace(query.app ?? '', scopedVars),
      legend: query.legend && replace(query.legend, scopedVars),
      traceId: replace(query.traceId ?? '', scopedVars).trim(),
      request: withNumbers(query.queryType ?? 'timeseries', interpolate(query.request ?? {}, replace, scopedVars)),
      adHoc: interpolate({ filters: adHocFilters(filters) }, replace, scopedVars).filters,
    };
  }

  /** A query that cannot be asked yet is not asked. */
  filterQuery(query: SeamarkQuery): boolean {
    if (query.hide) {
      return false;
    }
    const request: QuestionRequest = query.request ?? {};
    const saysSomething = (text: unknown) => /\S/.test(getTemplateSrv().replace(String(text ?? '')));
    const type = query.queryType ?? 'timeseries';
    switch (type) {
      case 'trace':
        return saysSomething(query.traceId); // a variable may be empty
      case 'logs':
        return !request.traceId || saysSomething(request.traceId); // those of no trace are not all
      default:
        return isComplete(type, request);
    }
  }

  getSupportedSupplementaryQueryTypes(): SupplementaryQueryType[] {
    return [SupplementaryQueryType.LogsVolume];
  }

  getSupplementaryQuery(options: SupplementaryQueryOptions, query: SeamarkQuery): SeamarkQuery | undefined {
    return options.type === SupplementaryQueryType.LogsVolume ? volumeOf(query) : undefined;
  }

  getSupplementaryRequest(
    type: SupplementaryQueryType,
    request: DataQueryRequest<SeamarkQuery>
  ): DataQueryRequest<SeamarkQuery> | undefined {
    const targets = request.targets.flatMap((query) => this.getSupplementaryQuery({ type }, query) ?? []);
    return targets.length > 0 ? { ...request, targets } : undefined;
  }

  async getLogRowContext(row: LogRowModel, options?: LogRowContextOptions): Promise<DataQueryResponse> {
    const query = contextOf(row, options);
    if (!query) {
      return { data: [] };
    }
    const at = dateTime(row.timeEpochMs);
    return lastValueFrom(
      this.query({
        requestId: `seamark-${query.refId}-${row.uid}`,
        app: CoreApp.Explore,
        targets: [query],
        range: { from: at, to: at, raw: { from: at, to: at } }, // a context has none of its own
        interval: '1m',
        intervalMs: 60_000,
        scopedVars: options?.scopedVars ?? {},
        timezone: 'utc',
        startTime: Date.now(),
      })
    );
  }

  toggleQueryFilter(query: SeamarkQuery, { type, options }: ToggleFilterAction): SeamarkQuery {
    return toggled(query, options, type === 'FILTER_FOR' ? '=' : '!=');
  }

  queryHasFilter(query: SeamarkQuery, filter: QueryFilterOptions): boolean {
    return hasFilter(query, filter);
  }

  async metricNames(prefix = '', range?: TimeRange): Promise<Named[]> {
    const found = await this.getResource('metrics', { prefix, limit: MOST_OFFERED, ...bounds(range) });
    return found.metrics;
  }

  async labelNames(metric = '', range?: TimeRange): Promise<Named[]> {
    const found = await this.getResource('labels', { metric, ...bounds(range) });
    return found.labels;
  }

  async labelValues(label: string, metric = '', prefix = '', range?: TimeRange): Promise<Counted[]> {
    const path = `labels/${encodeURIComponent(label)}/values`;
    const found = await this.getResource(path, { metric, prefix, limit: MOST_OFFERED, ...bounds(range) });
    return found.values;
  }

  async getTagKeys(options?: DataSourceGetTagKeysOptions<SeamarkQuery>): Promise<MetricFindValue[]> {
    const labels = await this.labelNames(metricOf(options?.queries), options?.timeRange);
    return labels.map((label) => ({ text: label.name, value: label.name }));
  }

  async getTagValues(options: DataSourceGetTagValuesOptions<SeamarkQuery>): Promise<MetricFindValue[]> {
    const values = await this.labelValues(options.key, metricOf(options.queries), '', options.timeRange);
    return values.map(({ value }) => offered(value));
  }

  /** Which of the dashboard's filters say something to these queries, and why the others do not. */
  async getDrilldownsApplicability(
    options?: DataSourceGetDrilldownsApplicabilityOptions<SeamarkQuery>
  ): Promise<DrilldownsApplicability[]> {
    const queries = options?.queries ?? [];
    const filtered = queries.length === 0 || queries.some((query) => takesFilters(query.queryType ?? 'timeseries'));
    const known = new Set((await this.labelNames(metricOf(queries), options?.timeRange)).map(({ name }) => name));
    return (options?.filters ?? []).map(({ key, origin }) => {
      const applicable = filtered && known.has(key);
      const reason = filtered ? `${key} is no dimension of what is asked here` : 'this question takes no filters';
      return { key, origin, applicable, reason: applicable ? undefined : reason };
    });
  }

  /** What a variable offers. */
  async metricFindQuery(
    query: VariableQuery,
    options?: { range?: TimeRange; scopedVars?: ScopedVars }
  ): Promise<MetricFindValue[]> {
    const replace = (text?: string) => getTemplateSrv().replace(text ?? '', options?.scopedVars);
    const metric = replace(query.metric);
    switch (query.kind) {
      case 'metrics':
        return (await this.metricNames(replace(query.prefix), options?.range)).map(({ name }) => ({ text: name }));
      case 'labels':
        return (await this.labelNames(metric, options?.range)).map(({ name }) => ({ text: name }));
      default:
        if (!query.label) {
          return [];
        }
        return (await this.labelValues(replace(query.label), metric, replace(query.prefix), options?.range)).map(
          ({ value }) => offered(value)
        );
    }
  }
}

/** An empty value is chosen as it reads everywhere; the backend asks for the empty value then. */
function offered(value: string): MetricFindValue {
  const text = value === '' ? '(none)' : value;
  return { text, value: text };
}

function bounds(range?: TimeRange) {
  return range ? { from: range.from.valueOf(), to: range.to.valueOf() } : {};
}

/** The metric that the panel's filters are about: that of its first query that has one. */
function metricOf(queries?: SeamarkQuery[]): string {
  const metric = queries?.find((query) => query.request?.metric)?.request?.metric ?? '';
  return getTemplateSrv().replace(metric);
}
