import { Filter, QueryType, QuestionRequest } from './types';

/** How a field of a request is shown, and what values of it can be. */
export type FieldKind =
  | 'metric' // a name, completed
  | 'label' // a dimension, completed
  | 'labels' // several dimensions
  | 'service' // a service, completed
  | 'choice' // one of `options`, or something else
  | 'choices' // several of `options`, or others
  | 'words' // texts, separated by commas
  | 'text'
  | 'number' // a positive whole number
  | 'switch';

export interface FormField {
  field: string;
  label: string;
  kind: FieldKind;
  options?: readonly string[];
  placeholder?: string;
  tooltip?: string;
  width?: number;
}

const AGGREGATES = [
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'rate',
  'p50',
  'p75',
  'p90',
  'p95',
  'p99',
  'uniq_users',
  'uniq_sessions',
];
const GRANULARITIES = ['auto', '1m', '5m', '15m', '1h', '6h', '1d', '1w'];
const METRIC: FormField = {
  field: 'metric',
  label: 'Metric',
  kind: 'metric',
  tooltip: 'An event, an OpenTelemetry metric, or traces.span.duration',
};
const BUCKETS: FormField = {
  field: 'granularity',
  label: 'Buckets',
  kind: 'choice',
  options: GRANULARITIES,
  placeholder: 'auto',
};
const SERVICE: FormField = { field: 'service', label: 'Service', kind: 'service', placeholder: 'any' };

function limit(placeholder: string, tooltip = 'At most so many; those that count most come first'): FormField {
  return { field: 'limit', label: 'Limit', kind: 'number', placeholder, tooltip, width: 10 };
}

/** The builder of each query type: the fields of its request that are shown, in order. */
export const FORMS: Partial<Record<QueryType, readonly FormField[]>> = {
  timeseries: [
    METRIC,
    { field: 'agg', label: 'Show', kind: 'choices', options: AGGREGATES, placeholder: 'count' },
    { field: 'groupBy', label: 'Group by', kind: 'labels' },
    BUCKETS,
    limit('50'),
    {
      field: 'exemplars',
      label: 'Exemplars',
      kind: 'switch',
      tooltip: 'A trace for each bucket; only of traces.span.duration',
    },
  ],
  top: [
    METRIC,
    { field: 'by', label: 'By', kind: 'label' },
    { field: 'agg', label: 'Largest by', kind: 'choice', options: AGGREGATES, placeholder: 'count' },
    limit('10'),
  ],
  funnel: [
    { field: 'steps', label: 'Steps', kind: 'words', width: 60, placeholder: 'page_view, add_to_cart, purchase' },
    {
      field: 'windowSec',
      label: 'Within, s',
      kind: 'number',
      placeholder: '3600',
      width: 12,
      tooltip: 'Seconds from the first step to the last',
    },
    { field: 'groupBy', label: 'Group by', kind: 'label' },
    limit('20'),
  ],
  retention: [
    { field: 'start', label: 'Begin with', kind: 'metric' },
    { field: 'return', label: 'Come back with', kind: 'metric', placeholder: 'the same' },
    { field: 'period', label: 'Period', kind: 'choice', options: ['day', 'week'], placeholder: 'day' },
    { field: 'periods', label: 'Periods', kind: 'number', placeholder: '7', width: 10 },
  ],
  sessions: [
    { ...BUCKETS, options: ['all', ...GRANULARITIES], placeholder: '1d' },
    { field: 'groupBy', label: 'Group by', kind: 'label' },
    { field: 'gapSec', label: 'Gap, s', kind: 'number', placeholder: '1800', width: 12 },
    limit('50'),
  ],
  paths: [
    { field: 'start', label: 'Start', kind: 'text', placeholder: '/product' },
    { field: 'of', label: 'Of', kind: 'choice', options: ['page', 'event'], placeholder: 'page' },
    { field: 'direction', label: 'Direction', kind: 'choice', options: ['next', 'previous'], placeholder: 'next' },
    { field: 'depth', label: 'Depth', kind: 'number', placeholder: '3', width: 10 },
    limit('20'),
  ],
  errors: [
    { field: 'names', label: 'Events', kind: 'words', placeholder: 'exception, error', width: 36 },
    { field: 'against', label: 'Against', kind: 'metric', placeholder: 'page_view' },
    limit('50', 'Groups at most; the most frequent come first'),
  ],
  logs: [
    SERVICE,
    {
      field: 'severity',
      label: 'At least',
      kind: 'choice',
      options: ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'],
      placeholder: 'any',
    },
    { field: 'contains', label: 'Contains', kind: 'text', width: 36 },
    { field: 'traceId', label: 'Trace', kind: 'text', width: 36 },
    limit('100', 'Records at most, the latest first'),
  ],
  traces: [
    SERVICE,
    { field: 'operation', label: 'Operation', kind: 'text', placeholder: 'any', width: 30 },
    { field: 'status', label: 'Status', kind: 'choice', options: ['ok', 'error', 'unset'], placeholder: 'any' },
    { field: 'minDurationMs', label: 'At least, ms', kind: 'number', width: 12 },
    limit('20', 'Traces at most, the latest first'),
  ],
  services: [
    { field: 'by', label: 'By', kind: 'choice', options: ['service', 'operation'], placeholder: 'service' },
    SERVICE,
    {
      field: 'kinds',
      label: 'Kinds',
      kind: 'choices',
      options: ['server', 'consumer', 'client', 'producer', 'internal'],
      placeholder: 'server, consumer',
    },
    limit('100'),
  ],
  servicemap: [SERVICE, limit('100')],
  ledger: [
    {
      field: 'signal',
      label: 'Signal',
      kind: 'choice',
      options: ['events', 'traces', 'metrics', 'logs'],
      placeholder: 'all',
    },
    { ...BUCKETS, field: 'step' },
    { field: 'key', label: 'Key', kind: 'text', placeholder: 'all' },
  ],
  annotations: [
    { field: 'names', label: 'Events', kind: 'words', placeholder: 'deploy, release', width: 36 },
    { field: 'groupBy', label: 'Tell apart by', kind: 'labels', placeholder: 'release' },
  ],
};

/** The query types whose request takes filters. */
const FILTERED: readonly QueryType[] = [
  'timeseries',
  'top',
  'funnel',
  'retention',
  'sessions',
  'paths',
  'errors',
  'logs',
  'logvolume',
  'traces',
  'services',
  'servicemap',
  'annotations',
];

export function takesFilters(type: QueryType | undefined): boolean {
  return type !== undefined && FILTERED.includes(type);
}

/** Whether the builder can show this value. What it cannot show was written by hand, and is left alone. */
export function fits(kind: FieldKind, value: unknown): boolean {
  if (value === undefined) {
    return true;
  }
  switch (kind) {
    case 'number':
      return typeof value === 'number';
    case 'switch':
      return typeof value === 'boolean';
    case 'labels':
    case 'choices':
    case 'words':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    default:
      return typeof value === 'string';
  }
}

/** A request to begin with when the query type changes: what means the same in both. */
export function carriedOver(request: QuestionRequest, from: QueryType, to: QueryType): QuestionRequest {
  const carried: QuestionRequest = {};
  for (const field of FORMS[to] ?? []) {
    const before = FORMS[from]?.find((other) => other.field === field.field && other.kind === field.kind);
    if (before && field.kind !== 'number' && request[field.field] !== undefined) {
      carried[field.field] = request[field.field];
    }
  }
  if (takesFilters(to) && request.filters) {
    carried.filters = request.filters;
  }
  return carried;
}

/** Texts between commas. */
export function items(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** A positive whole number, or nothing. */
export function whole(text: string): number | undefined {
  const value = Number(text);
  return text.trim() !== '' && Number.isInteger(value) && value > 0 ? value : undefined;
}

/** The filter under another operator: a list becomes a value, and a value a list, without losing any. */
export function converted(filter: Filter, op: string): Filter {
  if (op.endsWith('exists')) {
    return { key: filter.key, op };
  }
  const values = Array.isArray(filter.value) ? filter.value : filter.value ? [filter.value] : [];
  const list = op === 'in' || op === '!in';
  return { ...filter, op, value: list ? values : values.join(op === '=~' || op === '!~' ? '|' : ', ') };
}
