import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentSelector;
import io.opentelemetry.sdk.metrics.View;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Sends the workload of tests/clients/workload.py with the stock Java SDK and exporters. */
public final class Send {
  private static final String SERVICE = System.getenv("OTEL_SERVICE_NAME");

  private static int number(String name) {
    return Integer.parseInt(System.getenv("CLIENT_" + name));
  }

  private static void fail(int depth) {
    if (depth > 0) fail(depth - 1);
    throw new IllegalStateException("the cart is empty");
  }

  private static void sendSpans(OpenTelemetrySdk sdk) {
    Tracer tracer = sdk.getTracer("client");
    Random random = new Random();
    long began = System.currentTimeMillis() - 60_000;
    byte[] text = new byte[60];
    for (int i = 1; i <= number("SPANS"); i++) {
      Span span =
          tracer.spanBuilder("op-" + i % 3).setStartTimestamp(began, TimeUnit.MILLISECONDS).startSpan();
      for (int k = 0; k < 10; k++) {
        random.nextBytes(text);
        span.setAttribute("attribute." + k, HexFormat.of().formatHex(text));
      }
      if (i % 10 == 0) {
        try {
          fail(20);
        } catch (IllegalStateException error) {
          span.recordException(error);
        }
      }
      span.end(began + i, TimeUnit.MILLISECONDS);
      if (i % 2048 == 0) sdk.getSdkTracerProvider().forceFlush().join(60, TimeUnit.SECONDS);
    }
  }

  private static void sendMetrics(OpenTelemetry sdk) {
    var meter = sdk.getMeter("client");
    var orders = meter.counterBuilder(SERVICE + ".orders").build();
    var open = meter.upDownCounterBuilder(SERVICE + ".open").build();
    var basket = meter.histogramBuilder(SERVICE + ".basket").ofLongs().build();
    var wait = meter.histogramBuilder(SERVICE + ".wait").ofLongs().build();
    var depth = meter.gaugeBuilder(SERVICE + ".depth").ofLongs().build();
    for (int i = 1; i <= number("MEASUREMENTS"); i++) {
      Attributes queue = Attributes.of(AttributeKey.longKey("queue"), (long) (i % 10));
      orders.add(2, queue);
      open.add(1, queue);
      basket.record(i, queue);
      wait.record(i, queue);
      depth.set(i, queue);
    }
  }

  private static void sendLogs(OpenTelemetrySdk sdk) {
    Logger logger = sdk.getSdkLoggerProvider().get("client");
    int records = number("RECORDS");
    int lines = number("LINES");
    int every = Math.max(records / lines, 1);
    for (int i = 1; i <= records; i++) {
      logger.logRecordBuilder().setSeverity(Severity.WARN).setBody("record " + i).emit();
      if (i % every == 0 && i / every <= lines) {
        String body = "line " + i / every + " " + "z".repeat(1_000_000);
        logger.logRecordBuilder().setSeverity(Severity.ERROR).setBody(body).emit();
      }
      if (i % 1024 == 0) sdk.getSdkLoggerProvider().forceFlush().join(60, TimeUnit.SECONDS);
    }
  }

  public static void main(String[] arguments) {
    OpenTelemetrySdk sdk =
        AutoConfiguredOpenTelemetrySdk.builder()
            .addMeterProviderCustomizer(
                (provider, config) ->
                    provider.registerView(
                        InstrumentSelector.builder().setName(SERVICE + ".wait").build(),
                        View.builder()
                            .setAggregation(Aggregation.base2ExponentialBucketHistogram())
                            .build()))
            .build()
            .getOpenTelemetrySdk();
    sendSpans(sdk);
    sendMetrics(sdk);
    sendLogs(sdk);
    sdk.shutdown().join(60, TimeUnit.SECONDS);
  }
}
