// Sends the workload of tests/clients/workload.py with the stock Node SDK and exporters.
import { randomBytes } from "node:crypto";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const service = process.env.OTEL_SERVICE_NAME;
const [spans, records, lines, measurements] = ["SPANS", "RECORDS", "LINES", "MEASUREMENTS"].map((name) =>
  Number(process.env[`CLIENT_${name}`]),
);
const resource = defaultResource().merge(resourceFromAttributes({ "service.name": service }));
const kind = { grpc: "grpc", "http/protobuf": "proto", "http/json": "http" }[process.env.OTEL_EXPORTER_OTLP_PROTOCOL];
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${kind}`);
const { OTLPMetricExporter } = await import(`@opentelemetry/exporter-metrics-otlp-${kind}`);
const { OTLPLogExporter } = await import(`@opentelemetry/exporter-logs-otlp-${kind}`);

function fail(depth) {
  if (depth) fail(depth - 1);
  throw new TypeError("the cart is empty");
}

async function sendSpans() {
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
  const tracer = provider.getTracer("client");
  const began = Date.now() - 60_000;
  Error.stackTraceLimit = 30;
  for (let i = 1; i <= spans; i++) {
    const attributes = {};
    for (let k = 0; k < 10; k++) attributes[`attribute.${k}`] = randomBytes(60).toString("hex");
    const span = tracer.startSpan(`op-${i % 3}`, { startTime: began, attributes });
    if (i % 10 === 0) {
      try {
        fail(20);
      } catch (error) {
        span.recordException(error);
      }
    }
    span.end(began + i);
    if (i % 2048 === 0) await provider.forceFlush();
  }
  await provider.shutdown();
}

async function sendMetrics() {
  const provider = new MeterProvider({
    resource,
    readers: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })],
    views: [{ instrumentName: `${service}.wait`, aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const meter = provider.getMeter("client");
  const orders = meter.createCounter(`${service}.orders`);
  const open = meter.createUpDownCounter(`${service}.open`);
  const basket = meter.createHistogram(`${service}.basket`);
  const wait = meter.createHistogram(`${service}.wait`);
  const depth = meter.createGauge(`${service}.depth`);
  for (let i = 1; i <= measurements; i++) {
    const queue = { queue: i % 10 };
    orders.add(2, queue);
    open.add(1, queue);
    basket.record(i, queue);
    wait.record(i, queue);
    depth.record(i, queue);
  }
  await provider.shutdown();
}

async function sendLogs() {
  const provider = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })] });
  const logger = provider.getLogger("client");
  const every = Math.max(Math.floor(records / lines), 1);
  for (let i = 1; i <= records; i++) {
    logger.emit({ severityNumber: SeverityNumber.WARN, body: `record ${i}` });
    if (i % every === 0 && i / every <= lines) {
      const body = `line ${i / every} ${"z".repeat(1_000_000)}`;
      logger.emit({ severityNumber: SeverityNumber.ERROR, body });
    }
    if (i % 1024 === 0) await provider.forceFlush();
  }
  await provider.shutdown();
}

await sendSpans();
await sendMetrics();
await sendLogs();
