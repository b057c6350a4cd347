"""Hostile requests to every route: names, filters, ids and ranges beyond a token's scope.

Questions of the registry are covered by their field descriptions. Any other route of
`api/routes.py` needs a line in `ROUTES_ASKED`, or the tests of isolation fail: `usual` is a request
that another org is answered with text of its own rows, `hostile` draws every field of the request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from api.questions.fields import Field, fields_of
from api.questions.question import Question
from api.questions.registry import QUESTIONS
from tests.support.isolation_rows import (
    APP,
    NOW,
    ORG,
    OTHER_TENANTS,
    OTHERS,
    SIBLING_TENANTS,
    SIBLINGS,
    THEN,
    TRACE,
)
from tests.support.isolation_stack import Ids, Request, placed
from tests.support.ledger import receipt_id

Strategy = st.SearchStrategy[Any]
OTHER: Final = OTHER_TENANTS[0]
SIBLING: Final = SIBLING_TENANTS[0]
DAY: Final = 86_400_000

odd = st.sampled_from(
    [
        "", "'", "\\", "\\'", "%", "*", ".*", "1 OR 1=1", "' OR '1'='1", "') OR (1=1) --", "/*",
        "--", "{p0:String}", "{p1:String}", "{org:String}", "$1", "?", "\u202e", "\x00",
        "а", "ａｃｍｅ", "x' UNION ALL SELECT * FROM events --", "seamark.events",
        "everybody.events", "../events",
        "url('http://127.0.0.1')", "file('/etc/passwd')", "[", "x" * 300, "null", "-1", "1e400",
    ]
) | st.text(max_size=6)  # fmt: skip
orgs = st.sampled_from([ORG, *{t.org for t in OTHER_TENANTS}]) | odd
apps = st.sampled_from([APP, *{t.app for t in (*SIBLING_TENANTS, *OTHER_TENANTS)}]) | odd
names = (
    st.sampled_from(
        [
            "page_view", "buy", "exception", "queue.size", "requests", "latency", "/", f"/{OTHERS}",
            "traces.span.duration", f"{OTHERS}.event", f"{OTHERS}.metric", f"{SIBLINGS}.event",
            f"{SIBLINGS}.metric", OTHERS, SIBLINGS,
        ]
    )
    | odd
)  # fmt: skip
keys = (
    st.sampled_from(
        [
            "app", "org", "country", "page", "plan", "release", "browser", "device", "service",
            "host", "kind", "status", "operation", "name", "scope_name", "severity_text",
            "event_name", "receipt", "key_id", "received_at", "user_id", "session_id", "dims",
            "attrs", "exception.type",
            f"{OTHERS}_key", f"{OTHERS}_label", f"{SIBLINGS}_key", "app) FROM events_1m --", "zone",
            "dims['plan'], org", "org, app", "__other__", "_part", "_table",
        ]
    )
    | odd
)  # fmt: skip
scalars = (
    st.sampled_from(
        [OTHERS, SIBLINGS, f".*{OTHERS}.*", "(?i).*", "mine", "US", ORG, "other", APP, "blog"]
    )
    | odd
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
filters = st.lists(
    st.fixed_dictionaries(
        {"key": keys},
        optional={
            "op": st.sampled_from(["=", "!=", "in", "!in", "=~", "!~", "exists", "!exists", "OR"]),
            "value": scalars | st.lists(scalars, max_size=3) | st.none(),
        },
    ),
    max_size=3,
)
instants: Strategy = st.sampled_from(
    [NOW - 3_600_000, THEN - 5 * 60_000, NOW - DAY, 0, NOW, "now", "now-1h", "now-1d", "now-7d"]
) | st.sampled_from([-1, 1 << 62, "now-400d", "now+1d", "' OR 1", "9999-12-31T00:00:00Z", 1e300])
aggregates = st.sampled_from(
    ["count", "sum", "avg", "min", "max", "rate", "p50", "p99", "uniq_users", "uniq_sessions"]
)
sources = st.sampled_from(["events", "metrics", "spans"])
limits = st.sampled_from([1, 2, 50, 200, -1, 1 << 40])
cursors = (
    st.sampled_from([f"{THEN * 1_000_000}.{'0' * 16}.1", f"{THEN * 1_000_000}.{'f' * 16}.2", "0.0"])
    | st.just(OTHERS)
    | odd
)
severities = st.sampled_from(["", "INFO", "ERROR", 0, 9, 25, -1]) | odd
flags = st.booleans()
RECEIPTS: Final = [
    receipt_id(number) for number in (1, 2, 5, OTHER.own_receipt, SIBLING.own_receipt, 9)
]
TRACES: Final = [TRACE.hex(), OTHER.own_trace.hex(), SIBLING.own_trace.hex(), "0" * 32]
receipts = st.sampled_from(RECEIPTS) | odd
traces = st.sampled_from(TRACES) | odd


@dataclass(frozen=True)
class Asked:
    """How a route is asked. `usual`: what another org is answered with something of its own.

    `hostile` draws a body, a query string and a value for the parameter in the path. `kind`: whose
    tokens may ask. `tells`: whether the usual answer holds what the asker's rows say (or numbers).
    """

    usual: Mapping[str, Any]
    hostile: Callable[[Ids], Strategy]
    parameter: str = ""
    parameters: Callable[[Ids], Strategy] | None = None
    kind: str = "query"
    tells: bool = True


RANGE: Final = {"from": NOW - 3_600_000, "to": NOW}


def body(required: dict[str, Strategy] | None = None, **optional: Strategy) -> Strategy:
    """A JSON body: what a question cannot do without, and any of the rest."""
    common = {"from": instants, "to": instants, "filters": filters, "limit": limits}
    common |= {"sql": flags, "cache": flags, "orgId": orgs, "appId": apps}
    wanted = dict(required or {})
    rare = st.fixed_dictionaries(wanted, optional=common | optional)
    # mostly nothing wrong but what is asked for, so that the store is reached
    usual = {"from": st.just(NOW - 3_600_000), "filters": filters}
    return rare | st.fixed_dictionaries(wanted | usual, optional=optional)


def query(required: dict[str, Strategy] | None = None, **optional: Strategy) -> Strategy:
    """A query string."""
    common = {"from": instants, "to": instants, "org": orgs, "orgId": orgs}
    wanted = dict(required or {})
    rare = st.fixed_dictionaries(wanted, optional=common | optional)
    usual = st.fixed_dictionaries(wanted, optional=optional)
    return (rare | usual).map(lambda drawn: {k: str(v) for k, v in drawn.items()})


def _match() -> Strategy:
    return names | st.fixed_dictionaries({"name": names}, optional={"filters": filters})


def _dead_letters(ids: Ids) -> Strategy:
    return st.lists(st.sampled_from(ids.dead_letters) | receipts, max_size=4)


def _context(ids: Ids) -> Strategy:
    record = st.sampled_from(ids.records)
    more = body(before=limits, after=limits, withinSec=limits, service=names)
    bare = st.fixed_dictionaries({}, optional={"filters": filters, "appId": apps, "orgId": orgs})
    return st.tuples(record, more | bare).map(lambda pair: {**pair[0], **pair[1]})


def _of_type(field: Field) -> Strategy:
    """Hostile values of a field, by its description."""
    one = {
        "integer": limits,
        "number": limits,
        "flag": flags,
        "time": instants,
        "event": _match(),
        "filter": filters,
        "object": st.just({}),
        "text": keys if field.completes == "label" else names,
    }[field.type]
    if field.choices:
        one = st.sampled_from(field.choices) | odd
    if field.many and field.type != "filter":
        one = st.lists(one, min_size=1, max_size=3)
    return one


def of_question(question: Question[Any]) -> Asked:
    """How a question of the registry is sent: its example, and hostile values of every field."""
    fields = [field for field in fields_of(question.request) if field.name not in _COMMON]
    required = {field.name: _of_type(field) for field in fields if field.required}
    optional = {field.name: _of_type(field) for field in fields if not field.required}
    drawn = (body if question.method == "POST" else query)(required, **optional)
    return Asked(
        {**question.example, **RANGE},
        lambda _: drawn,
        tells=question.kind not in _NUMBERS_ALONE,
    )


_COMMON: Final = frozenset({"from", "to", "filters", "sql", "cache", "orgId", "appId"})
_NUMBERS_ALONE: Final = frozenset({"retention"})
"""Questions with answers that hold no text of any row."""
PLAN: Final = {"groupBy": ["country"], "metric": "buy", "agg": ["count", "sum"], **RANGE}
ROUTES_ASKED: Final[Mapping[tuple[str, str], Asked]] = {
    **{(question.method, question.path): of_question(question) for question in QUESTIONS},
    ("POST", "/v1/query/timeseries"): Asked(
        PLAN,
        lambda _: body(
            {"metric": names},
            source=sources,
            groupBy=st.lists(keys, max_size=3),
            agg=st.lists(aggregates, min_size=1, max_size=3),
            granularity=st.sampled_from(["1m", "1h", "auto"]) | odd,
            exemplars=flags,
        ),
    ),
    ("POST", "/v1/query/top"): Asked(
        {"metric": "buy", "by": "plan", **RANGE},
        lambda _: body({"metric": names, "by": keys}, source=sources, agg=aggregates),
    ),
    ("POST", "/v1/query/errors"): Asked(
        RANGE,
        lambda _: body(names=st.lists(names, max_size=3), against=names, spans=flags, logs=flags),
    ),
    ("POST", "/v1/query/services"): Asked(
        RANGE,
        lambda _: body(
            by=st.sampled_from(["service", "operation"]), service=names, kinds=st.just([])
        ),
    ),
    ("POST", "/v1/query/servicemap"): Asked(RANGE, lambda _: body(service=names)),
    ("POST", "/v1/query/logs"): Asked(
        RANGE,
        lambda _: body(
            service=names, severity=severities, contains=names, traceId=traces, cursor=cursors,
            order=st.sampled_from(["asc", "desc"]), before=instants,
        ),
    ),
    ("POST", "/v1/query/logs/histogram"): Asked(
        {**RANGE, "contains": OTHERS},
        lambda _: body(
            service=names, severity=severities, contains=names, traceId=traces,
            granularity=st.sampled_from(["1m", "auto"]) | odd,
        ),
        tells=False,
    ),
    ("POST", "/v1/query/logs/context"): Asked({}, _context, tells=False),
    ("POST", "/v1/query/traces"): Asked(
        RANGE,
        lambda _: body(
            service=names, operation=names, status=names, minDurationMs=limits, maxDurationMs=limits
        ),
    ),
    ("GET", "/v1/events/{id}"): Asked(
        {},
        lambda _: query(orgId=orgs, appId=apps, sql=flags),
        parameter="id-1",
        parameters=lambda _: st.sampled_from(["id-0", "id-7", "id/1", OTHERS]) | odd,
    ),
    ("GET", "/v1/traces/{id}"): Asked(
        {},
        lambda _: query(orgId=orgs, appId=apps, sql=flags),
        parameter=TRACE.hex(),
        parameters=lambda _: traces,
    ),
    ("GET", "/v1/metrics"): Asked({}, lambda _: query(prefix=names, limit=limits)),
    ("GET", "/v1/metrics/{name}"): Asked(
        {"groupBy": "country"},
        lambda _: query(
            startTime=instants, endTime=instants, agg=aggregates, groupBy=keys,
            filter=st.tuples(keys, names).map(":".join), granularity=st.sampled_from(["1m", "1h"]),
        ),
        parameter="buy",
        parameters=lambda _: names,
    ),
    ("GET", "/api/query"): Asked(
        {"name": "buy"}, lambda _: query({"name": names}, start=instants, end=instants)
    ),
    ("GET", "/metrics"): Asked(
        {"name": "buy", "group_by": "country"},
        lambda _: query(
            {"name": names}, group_by=keys, filter=st.tuples(keys, names).map(":".join),
            agg=aggregates, range=st.sampled_from(["1h", "7d", "0d", "9999w"]),
        ),
    ),
    ("GET", "/v1/labels"): Asked(
        {"source": "metrics"}, lambda _: query(metric=names, source=sources)
    ),
    ("GET", "/v1/labels/{name}/values"): Asked(
        {"source": "events"},
        lambda _: query(metric=names, source=sources, prefix=names, limit=limits),
        parameter="country",
        parameters=lambda _: keys,
    ),
    ("GET", "/v1/ledger"): Asked(
        {},
        lambda _: query(app=apps, signal=st.sampled_from(["events", "logs"]), key=names, step=odd),
    ),
    ("GET", "/v1/receipts/{id}"): Asked(
        {},
        lambda _: query(app=apps),
        parameter=receipt_id(1),
        parameters=lambda _: receipts,
    ),
    ("GET", "/v1/deadletters"): Asked(
        {}, lambda _: query(app=apps, reason=names, name=names, limit=limits, cursor=cursors)
    ),
    ("POST", "/v1/deadletters:replay"): Asked(
        {"from": NOW - DAY, "again": True},
        lambda ids: st.fixed_dictionaries(
            {"from": st.just(NOW - DAY)},
            optional={
                "deadLetterIds": _dead_letters(ids), "app": apps, "reason": names, "name": names,
                "dryRun": flags, "again": flags, "limit": limits, "cursor": cursors, "orgId": orgs,
            },
        ),
        kind="admin",
    ),
}  # fmt: skip
"""Every route that is asked once and answers at once."""
TAIL: Final = Asked(
    {"after": f"{THEN - 1000}.{'0' * 32}.0"},
    lambda _: st.fixed_dictionaries(
        {"after": st.just(f"{THEN - 1000}.{'0' * 32}.0")},
        optional={
            "service": names, "severity": severities, "contains": names, "filters": filters,
            "traceId": traces, "orgId": orgs, "appId": apps,
        },
    ),
)  # fmt: skip
EXPORT: Final = Asked(
    {"signal": "logs", "from": NOW - DAY, "to": NOW, "format": "csv", "source": "store"},
    lambda _: st.fixed_dictionaries(
        {
            "signal": st.sampled_from(["events", "traces", "metrics", "logs"]),
            "from": st.just(NOW - DAY),
            "to": st.just(NOW),
            "format": st.just("csv"),
            "source": st.just("store"),
        },
        optional={"filters": filters, "orgId": orgs, "appId": apps},
    ),
)
JOURNEYS: Final[Mapping[tuple[str, str], str]] = {
    ("POST", "/v1/query/logs/tail"): "test_a_tail_sends_records_of_its_own_scope_alone",
    ("POST", "/v1/query/export"): "test_an_export_holds_its_own_rows_alone",
    ("GET", "/v1/exports"): "test_an_export_holds_its_own_rows_alone",
    ("GET", "/v1/exports/{id}"): "test_an_export_holds_its_own_rows_alone",
    ("DELETE", "/v1/exports/{id}"): "test_an_export_holds_its_own_rows_alone",
    ("GET", "/v1/exports/{id}/file"): "test_an_export_holds_its_own_rows_alone",
}
"""Every other route: the test that asks it."""


def usual_request(route: tuple[str, str], asked: Asked, ids: Ids) -> Request:
    """The request that another org is answered with what it says."""
    method, path = route
    if path.endswith("/context"):
        return Request(method, path, body=dict(ids.records[-1]))
    return _request(method, placed(path, asked.parameter), dict(asked.usual))


def hostile_requests(route: tuple[str, str], asked: Asked, ids: Ids) -> Strategy:
    """Requests for more than the token allows."""
    method, path = route
    parameters = asked.parameters(ids) if asked.parameters else st.just("")
    return st.tuples(parameters, asked.hostile(ids)).map(
        lambda drawn: _request(method, placed(path, drawn[0]), drawn[1])
    )


def _request(method: str, path: str, asked: dict[str, Any]) -> Request:
    if method == "POST":
        return Request(method, path, body=asked)
    return Request(method, path, query=asked)
