"""The shop's three services, instrumented with the OpenTelemetry SDK as real ones are.

Every call of a browser is a trace: gateway, then catalog or checkout, then a database. Context
goes from one service to the next in `traceparent`, as over a wire. Times are given, not taken,
so that history can be written too; metrics have no past in the SDK and are those of now.
"""

import random
from collections.abc import Callable
from typing import Final

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from seamark.demo.exporting import EXPONENTIAL, Providers, SeededIds
from seamark.demo.visits import Call, Visit

VERSIONS: Final = {"gateway": "1.9.2", "catalog": "3.1.0", "checkout": "2.5.0"}
_CHECKOUT_ROUTES: Final = frozenset({"/api/cart", "/api/checkout", "/api/orders"})
_MS: Final = 1_000_000


class _Service:
    """One service: its SDK and its instruments."""

    def __init__(self, providers: Providers) -> None:
        self.providers = providers
        self.name = providers.service
        self.tracer = providers.traces.get_tracer("shop")
        self.logger = providers.logs.get_logger("shop")
        meter = providers.metrics.get_meter("shop")
        self.duration = meter.create_histogram(
            "http.server.request.duration", "s", "Duration of HTTP server requests."
        )
        self.requests = meter.create_counter("shop.requests", "{request}", "Requests served.")
        self.stock = meter.create_gauge("shop.stock", "{item}", "Items on the shelf.")
        self.order_value = meter.create_histogram(EXPONENTIAL, "EUR", "Worth of an order.")

    def log(
        self, context: Context, at_ns: int, severity: SeverityNumber, body: str, route: str
    ) -> None:
        """One log record that belongs to the span in `context`."""
        self.logger.emit(
            LogRecord(
                timestamp=at_ns,
                observed_timestamp=at_ns,
                context=context,
                severity_number=severity,
                severity_text=severity.name,
                body=body,
                attributes={"http.route": route},
            )
        )


class Services:
    """The three services of the shop. Used from one thread; `flush` and `shutdown` block.

    `make` gives the SDK of a service: (name, version, ids of all spans) -> Providers.
    """

    def __init__(self, make: Callable[[str, str, SeededIds], Providers], *, seed: int) -> None:
        self._seed = seed
        self._ids = SeededIds()
        self._wire = TraceContextTextMapPropagator()
        self._services = {
            name: _Service(make(name, version, self._ids)) for name, version in VERSIONS.items()
        }

    def serve(self, visit: Visit, index: int, *, call: Call, at_ns: int, live: bool) -> None:
        """Answer call `index` of a visit as of `at_ns`; metrics only when it is `live`."""
        rng = random.Random(f"{self._seed}/{visit.number}/{index}")
        self._ids.rng = random.Random(f"{visit.session}/{index}")
        gateway = self._services["gateway"]
        backend = self._services["checkout" if call.route in _CHECKOUT_ROUTES else "catalog"]
        end_ns = at_ns + call.duration_ms * _MS
        edge, outside = self._start(gateway, call, None, SpanKind.SERVER, at_ns=at_ns)
        edge.set_attribute("session.id", visit.session)
        hop, carried = self._start(
            gateway, call, outside, SpanKind.CLIENT, at_ns=at_ns + _MS // 2, peer=backend.name
        )
        carrier: dict[str, str] = {}
        self._wire.inject(carrier, carried)
        received = self._wire.extract(carrier)
        inner, inside = self._start(backend, call, received, SpanKind.SERVER, at_ns=at_ns + _MS)
        query, _ = self._query(backend, inside, rng, at_ns=at_ns + 2 * _MS)
        query.end(at_ns + max(3, call.duration_ms - 2) * _MS)
        if call.status >= 500:
            self._fail(backend, inner, inside, call, at_ns=end_ns - _MS)
        inner.end(end_ns - _MS)
        hop.end(end_ns - _MS // 2)
        edge.end(end_ns)
        words = f"{call.method} {call.route} {call.status} {call.duration_ms} ms"
        gateway.log(outside, end_ns, SeverityNumber.INFO, words, call.route)
        if live:
            self._measure(gateway, backend, call, outside, rng)

    def _start(
        self,
        service: _Service,
        call: Call,
        parent: Context | None,
        kind: SpanKind,
        *,
        at_ns: int,
        peer: str = "",
    ) -> tuple[trace.Span, Context]:
        attributes: dict[str, str | int] = {
            "http.request.method": call.method,
            "http.route": call.route,
            "http.response.status_code": call.status,
            "url.scheme": "https",
        }
        if peer:
            attributes["server.address"] = peer
        span = service.tracer.start_span(
            f"{call.method} {call.route}",
            context=parent if parent is not None else Context(),
            kind=kind,
            attributes=attributes,
            start_time=at_ns,
        )
        # A server's own status stays unset for what the client did wrong; 5xx is an error.
        if call.status >= 500:
            span.set_status(Status(StatusCode.ERROR, "upstream failed" if peer else ""))
        return span, trace.set_span_in_context(span, Context())

    def _query(
        self, service: _Service, parent: Context, rng: random.Random, *, at_ns: int
    ) -> tuple[trace.Span, Context]:
        table = "orders" if service.name == "checkout" else "products"
        span = service.tracer.start_span(
            f"SELECT {table}",
            context=parent,
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": "postgresql",
                "db.operation.name": "SELECT",
                "db.collection.name": table,
                "db.response.returned_rows": rng.randrange(1, 40),
            },
            start_time=at_ns,
        )
        return span, trace.set_span_in_context(span, Context())

    def _fail(
        self, service: _Service, span: trace.Span, context: Context, call: Call, *, at_ns: int
    ) -> None:
        kind, words = "PaymentTimeout", "no answer from the payment provider within 2 s"
        if service.name == "catalog":
            kind, words = "PoolExhausted", "no database connection within 500 ms"
        assert isinstance(span, SdkSpan)  # noqa: S101  # only the SDK is installed here
        span.add_event(
            "exception", {"exception.type": kind, "exception.message": words}, timestamp=at_ns
        )
        service.log(context, at_ns, SeverityNumber.ERROR, f"{kind}: {words}", call.route)

    def _measure(
        self,
        gateway: _Service,
        backend: _Service,
        call: Call,
        context: Context,
        rng: random.Random,
    ) -> None:
        attributes: dict[str, str | int] = {
            "http.request.method": call.method,
            "http.route": call.route,
            "http.response.status_code": call.status,
        }
        for service in (gateway, backend):
            service.duration.record(call.duration_ms / 1000, attributes, context)
            service.requests.add(1, attributes, context)
        if backend.name == "catalog":
            for category in ("lamps", "chairs", "mugs"):
                backend.stock.set(rng.randrange(20, 400), {"item.category": category})
        elif call.order_value:
            backend.order_value.record(call.order_value, {"currency": "EUR"}, context)

    def flush(self) -> None:
        """Export everything now. Blocks."""
        for service in self._services.values():
            service.providers.flush()

    def shutdown(self) -> None:
        """Export what is left and stop. Blocks."""
        for service in self._services.values():
            service.providers.shutdown()
