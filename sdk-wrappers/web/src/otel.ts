/**
 * `@seamark/web/otel`: spans and log records of OpenTelemetry's web SDK through the same queue, store and retries.
 * The types are structural, so that no package of OpenTelemetry is needed here.
 */
import type { Seamark } from './options.js';
import { attributesOf, logRecord, spanOf, type LogRecordLike, type SpanLike } from './otlp_json.js';

interface Carrier {
  sendOtlp?(kind: 'traces' | 'logs', body: string): void;
}

/** A `SpanExporter`: `new BatchSpanProcessor(new SeamarkSpanExporter(seamark))`. */
export class SeamarkSpanExporter {
  constructor(private readonly seamark: Seamark) {}

  export(spans: readonly SpanLike[], done: (result: { code: number; error?: Error }) => void): void {
    try {
      const scopeSpans = spans.map((span) => ({
        scope: span.instrumentationScope ?? span.instrumentationLibrary,
        spans: [spanOf(span)],
      }));
      const resource = { attributes: attributesOf(spans[0]?.resource?.attributes) };
      const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] });
      if (spans.length) (this.seamark as Carrier).sendOtlp?.('traces', body);
      done({ code: 0 });
    } catch (error) {
      done({ code: 1, error: error as Error });
    }
  }

  async forceFlush(): Promise<void> {
    await this.seamark.flush();
  }

  async shutdown(): Promise<void> {
    await this.seamark.flush(2000);
  }
}

/** A `LogRecordProcessor`. */
export class SeamarkLogProcessor {
  constructor(private readonly seamark: Seamark) {}

  onEmit(record: LogRecordLike): void {
    const resource = { attributes: attributesOf(record.resource?.attributes) };
    const scopeLogs = [{ scope: record.instrumentationScope, logRecords: [logRecord(record)] }];
    (this.seamark as Carrier).sendOtlp?.('logs', JSON.stringify({ resourceLogs: [{ resource, scopeLogs }] }));
  }

  async forceFlush(): Promise<void> {
    await this.seamark.flush();
  }

  async shutdown(): Promise<void> {
    await this.seamark.flush(2000);
  }
}
