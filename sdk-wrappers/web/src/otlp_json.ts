/** OTLP/JSON of OpenTelemetry's spans and log records (opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). */

type HrTime = readonly [seconds: number, nanos: number];
type Attributes = Readonly<Record<string, unknown>>;
interface Scope {
  name: string;
  version?: string;
}
interface Context {
  traceId: string;
  spanId: string;
  traceFlags?: number;
}

/** What is read of a `ReadableSpan`, of the SDK's versions 1 and 2. */
export interface SpanLike {
  name: string;
  kind: number;
  spanContext(): Context;
  parentSpanId?: string;
  parentSpanContext?: Context;
  startTime: HrTime;
  endTime: HrTime;
  status: { code: number; message?: string };
  attributes: Attributes;
  events: readonly { name: string; time: HrTime; attributes?: Attributes }[];
  links: readonly { context: Context; attributes?: Attributes }[];
  resource?: { attributes: Attributes };
  instrumentationScope?: Scope;
  instrumentationLibrary?: Scope;
}

/** What is read of a `ReadableLogRecord`. */
export interface LogRecordLike {
  hrTime: HrTime;
  hrTimeObserved?: HrTime;
  spanContext?: Context;
  severityNumber?: number;
  severityText?: string;
  eventName?: string;
  body?: unknown;
  attributes: Attributes;
  resource?: { attributes: Attributes };
  instrumentationScope?: Scope;
}

const nanos = ([seconds, rest]: HrTime) => `${seconds}${`${rest}`.padStart(9, '0')}`;

function valueOf(value: unknown): unknown {
  if (typeof value == 'boolean') return { boolValue: value };
  if (typeof value == 'number') return Number.isSafeInteger(value) ? { intValue: `${value}` } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueOf) } };
  if (value && typeof value == 'object') return { kvlistValue: { values: attributesOf(value as Attributes) } };
  return { stringValue: `${value ?? ''}` };
}

export function attributesOf(attributes: Attributes = {}): unknown[] {
  return Object.entries(attributes)
    .filter(([, value]) => value != null)
    .map(([key, value]) => ({ key, value: valueOf(value) }));
}

export function spanOf(span: SpanLike): unknown {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceId,
    spanId,
    flags: traceFlags,
    parentSpanId: span.parentSpanContext?.spanId ?? span.parentSpanId,
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: nanos(span.startTime),
    endTimeUnixNano: nanos(span.endTime),
    status: { code: span.status.code, message: span.status.message },
    attributes: attributesOf(span.attributes),
    events: span.events.map((event) => ({
      name: event.name,
      timeUnixNano: nanos(event.time),
      attributes: attributesOf(event.attributes),
    })),
    links: span.links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      attributes: attributesOf(link.attributes),
    })),
  };
}

export function logRecord(record: LogRecordLike): unknown {
  return {
    timeUnixNano: nanos(record.hrTime),
    observedTimeUnixNano: nanos(record.hrTimeObserved ?? record.hrTime),
    severityNumber: record.severityNumber,
    severityText: record.severityText,
    eventName: record.eventName,
    body: record.body === undefined ? undefined : valueOf(record.body),
    attributes: attributesOf(record.attributes),
    traceId: record.spanContext?.traceId,
    spanId: record.spanContext?.spanId,
  };
}
