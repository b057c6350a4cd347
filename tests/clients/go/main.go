// Command go sends the workload of tests/clients/workload.py with the stock Go SDK and exporters.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otellog "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

var (
	service      = os.Getenv("OTEL_SERVICE_NAME")
	overGRPC     = os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc"
	spans        = number("SPANS")
	records      = number("RECORDS")
	lines        = number("LINES")
	measurements = number("MEASUREMENTS")
)

func number(name string) int {
	value, err := strconv.Atoi(os.Getenv("CLIENT_" + name))
	must(err)
	return value
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func fail(depth int) (err error, stack string) {
	if depth > 0 {
		return fail(depth - 1)
	}
	return fmt.Errorf("the cart is empty"), string(debug.Stack())
}

func text() string {
	var random [60]byte
	_, _ = rand.Read(random[:])
	return hex.EncodeToString(random[:])
}

func sendSpans(ctx context.Context) {
	var exporter sdktrace.SpanExporter
	var err error
	if overGRPC {
		exporter, err = otlptracegrpc.New(ctx)
	} else {
		exporter, err = otlptracehttp.New(ctx)
	}
	must(err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	tracer := provider.Tracer("client")
	began := time.Now().Add(-time.Minute)
	for i := 1; i <= spans; i++ {
		_, span := tracer.Start(ctx, fmt.Sprintf("op-%d", i%3), trace.WithTimestamp(began))
		for k := range 10 {
			span.SetAttributes(attribute.String(fmt.Sprintf("attribute.%d", k), text()))
		}
		if i%10 == 0 {
			err, stack := fail(20)
			span.RecordError(err, trace.WithAttributes(semconv.ExceptionStacktrace(stack)))
		}
		span.End(trace.WithTimestamp(began.Add(time.Duration(i) * time.Millisecond)))
		if i%2048 == 0 {
			must(provider.ForceFlush(ctx))
		}
	}
	must(provider.Shutdown(ctx))
}

func sendMetrics(ctx context.Context) {
	var exporter sdkmetric.Exporter
	var err error
	if overGRPC {
		exporter, err = otlpmetricgrpc.New(ctx)
	} else {
		exporter, err = otlpmetrichttp.New(ctx)
	}
	must(err)
	exponential := sdkmetric.NewView(
		sdkmetric.Instrument{Name: service + ".wait"},
		sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}},
	)
	provider := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)), sdkmetric.WithView(exponential))
	meter := provider.Meter("client")
	orders, _ := meter.Int64Counter(service + ".orders")
	open, _ := meter.Int64UpDownCounter(service + ".open")
	basket, _ := meter.Int64Histogram(service + ".basket")
	wait, _ := meter.Int64Histogram(service + ".wait")
	depth, _ := meter.Int64Gauge(service + ".depth")
	for i := 1; i <= measurements; i++ {
		queue := metric.WithAttributes(attribute.Int("queue", i%10))
		orders.Add(ctx, 2, queue)
		open.Add(ctx, 1, queue)
		basket.Record(ctx, int64(i), queue)
		wait.Record(ctx, int64(i), queue)
		depth.Record(ctx, int64(i), queue)
	}
	must(provider.Shutdown(ctx))
}

func sendLogs(ctx context.Context) {
	var exporter sdklog.Exporter
	var err error
	if overGRPC {
		exporter, err = otlploggrpc.New(ctx)
	} else {
		exporter, err = otlploghttp.New(ctx)
	}
	must(err)
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
	logger := provider.Logger("client")
	emit := func(severity otellog.Severity, body string) {
		var record otellog.Record
		record.SetTimestamp(time.Now())
		record.SetSeverity(severity)
		record.SetBody(attribute.StringValue(body))
		logger.Emit(ctx, record)
	}
	every := max(records/lines, 1)
	for i := 1; i <= records; i++ {
		emit(otellog.SeverityWarn, fmt.Sprintf("record %d", i))
		if i%every == 0 && i/every <= lines {
			emit(otellog.SeverityError, fmt.Sprintf("line %d %s", i/every, strings.Repeat("z", 1_000_000)))
		}
		if i%1024 == 0 {
			must(provider.ForceFlush(ctx))
		}
	}
	must(provider.Shutdown(ctx))
}

func main() {
	ctx := context.Background()
	sendSpans(ctx)
	sendMetrics(ctx)
	sendLogs(ctx)
}
