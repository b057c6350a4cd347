"""A request in which only keys of the default rules have to be changed is changed as any other."""

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.admission.redaction.otlp import redact_default_keys, redact_request
from collector.admission.redaction.rules import Redactor
from collector.receivers.otlp_kinds import TRACES
from collector.receivers.otlp_nested import attribute_lists
from tests.support.otlp_values import attributes

SALT = "5a" * 16
KEYS = ["user.id", "enduser.id", "client.address", "app.user.id", "url.full", "page"]
VALUES = st.one_of(
    st.sampled_from(["ada", "", "user.id", "/?user.id=ada&x=1", "[redacted]", '{"user.id":"ada"}']),
    st.integers(-5, 2**60),
    st.booleans(),
    st.binary(max_size=4),
    st.none(),
    st.lists(st.sampled_from(["ada", "user.id=ada"]), max_size=2),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["ada", "bob"]), max_size=2),
)


@given(
    st.lists(
        st.tuples(st.dictionaries(st.sampled_from(KEYS), VALUES), VALUES, st.text()), max_size=4
    )
)
def test_the_short_way_and_the_long_way_agree(
    spans: list[tuple[dict[str, object], object, str]],
) -> None:
    body = ExportTraceServiceRequest()
    scope = body.resource_spans.add().scope_spans.add()
    for given_attributes, of_event, name in spans:
        span = scope.spans.add(name=name, attributes=attributes(given_attributes))
        span.events.add(name="e", attributes=attributes({"user.id": of_event} if of_event else {}))
    untouched = ExportTraceServiceRequest.FromString(body.SerializeToString())
    long_way = ExportTraceServiceRequest.FromString(body.SerializeToString())
    short, long = Redactor(salt=SALT), Redactor(salt=SALT)
    lists = attribute_lists(TRACES, body)

    taken = redact_default_keys(short, lists, body.SerializeToString())
    redact_request(long, long_way)

    if taken:
        assert body == long_way
        assert short.taken_counts() == long.taken_counts()
    else:
        assert body == untouched


def test_the_short_way_is_taken_where_it_can_be() -> None:
    body = ExportTraceServiceRequest()
    scope = body.resource_spans.add().scope_spans.add()
    scope.spans.add(
        name="GET /", attributes=attributes({"user.id": "ada", "client.address": "::1"})
    )
    lists = attribute_lists(TRACES, body)

    assert redact_default_keys(Redactor(salt=SALT), lists, body.SerializeToString())
    assert b"ada" not in body.SerializeToString()
