"""`seamark.query.v1` over gRPC, asked with stock clients: what HTTP answers, so answers gRPC."""

import asyncio
import contextlib
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from api.grpc import query_pb2 as pb
from api.grpc.server import SERVICE
from api.reasons import GRPC, STATUS, QuestionReason
from seamark.wire.signals import Signal
from tests.integration.test_api_timeseries import NOW, events
from tests.support.questions_stack import ROOT, SECRETS, Asking, RunningStore, asking
from tests.support.scripted_store import Scripted
from tests.unit.test_api_grpc_messages import joined, value_of

pytestmark = pytest.mark.integration
KINDS: dict[str, Any] = {
    "timeseries": (pb.TimeseriesRequest, pb.TimeseriesAnswer, "Timeseries"),
    "funnel": (pb.FunnelRequest, pb.FunnelAnswer, "Funnel"),
}
CODES = {code.value[0]: code for code in grpc.StatusCode}


@contextlib.asynccontextmanager
async def channel_of(ask: Asking) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(ask.rpc) as channel:
        yield channel


async def call(channel: Any, kind: str, question: Any, *, token: str = SECRETS["acme"]) -> Any:
    """The messages of an answer. `question`: as JSON has it, or bytes that are sent as they are."""
    request, answer, name = KINDS[kind]
    method = channel.unary_stream(f"/{SERVICE}/{name}", response_deserializer=answer.FromString)
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    sent = question if isinstance(question, bytes) else _message(request, question)
    return [part async for part in method(sent, metadata=metadata, timeout=30)]


def _message(request: Any, question: dict[str, Any]) -> bytes:
    """A question of HTTP's as a message: values of filters are typed, times are text."""
    as_sent = {
        name: str(value) if name in ("from", "to") else value for name, value in question.items()
    }
    for holder in (as_sent, *(s for s in as_sent.get("steps", ()) if isinstance(s, dict))):
        if "filters" in holder:
            holder["filters"] = [_filter(one) for one in holder["filters"]]
    if "steps" in as_sent:
        as_sent["steps"] = [
            {"name": step} if isinstance(step, str) else step for step in as_sent["steps"]
        ]
    sent: bytes = json_format.ParseDict(as_sent, request()).SerializeToString()
    return sent


def _filter(filter_: dict[str, Any]) -> dict[str, Any]:
    if "value" not in filter_:
        return filter_
    return filter_ | {"value": json_format.MessageToDict(value_of(filter_["value"]))}


async def fill(store: RunningStore) -> None:
    rng = random.Random(4)
    rows = [
        {
            "ts": NOW - rng.randrange(3_600_000),
            "name": rng.choice(["view", "cart", "buy"]),
            "value": rng.choice([1, 2.5, -3]),
            "sessionId": f"s{rng.randrange(40)}",
            "attrs": {"country": rng.choice(["DE", "US", ""]), "n": rng.choice([1, 2, 10])},
        }
        for _ in range(600)
    ]
    await store.insert(
        Signal.EVENTS,
        [events("acme", "shop", rows[:500]), events("other", "shop", rows[500:])],
    )


def a_question(rng: random.Random) -> tuple[str, dict[str, Any]]:
    """A question, right or wrong in one of many ways."""

    def one_of(right: list[Any], wrong: list[Any]) -> Any:
        return rng.choice(right if rng.random() < 0.93 else wrong)

    country: dict[str, Any] = {"key": "country"}
    shared: dict[str, Any] = {
        "from": one_of([NOW - 3_600_000, "now-1h", "2026-11-22T09:00:00Z"], ["yesterday"]),
        "to": rng.choice([NOW, "now", "now-10m"]),
        "filters": one_of(
            [
                [],
                [country | {"op": "=", "value": "DE"}],
                [country | {"op": "in", "value": ["DE", "US"]}],
                [country | {"op": "!exists"}],
            ],
            [[country | {"op": "~~", "value": "DE"}], [country | {"op": "<", "value": True}]],
        ),
        "limit": one_of([1, 2, 20], [0]),
        "cache": False,
        "appId": one_of(["", "shop"], ["nowhere"]),
    }
    if rng.random() < 0.4:
        steps = rng.sample(["view", "cart", "buy", "none"], rng.randint(1, 3))
        first = [{"name": "view", "filters": [{"key": "n", "op": ">=", "value": 2}]}]
        return "funnel", shared | {
            "steps": first + steps if rng.random() < 0.3 else steps,
            "windowSec": one_of([600, 3600], [-1]),
            "groupBy": one_of(["", "country"], ["nothing"]),
            "identity": one_of(["session", "user", "linked"], ["name"]),
        }
    people = {
        "agg": ["count", "uniq_users"],
        "identity": one_of(["session", "user", "linked"], ["name"]),
    }
    return "timeseries", shared | {
        "metric": one_of(["view", "buy", "never.seen"], [""]),
        "granularity": one_of(["auto", "1m", "5m", "1h"], ["1s"]),
        "agg": one_of([["count"], ["sum", "p95", "uniq_sessions"], ["avg", "rate"]], [["best"]]),
        "groupBy": one_of([[], ["country"], ["country", "device"]], [["nothing"]]),
        "tz": one_of(["UTC", "Europe/Berlin"], ["Mars"]),
        **(people if rng.random() < 0.3 else {}),
    }


async def over_http(ask: Asking, kind: str, question: dict[str, Any]) -> Any:
    """The rows and what `meta` says of them; or the reason, the message and the field."""
    headers = {"Authorization": f"Bearer {SECRETS['acme']}"}
    # of several faults the first is told, and a message has its fields in their order
    order = [field.json_name for field in KINDS[kind][0].DESCRIPTOR.fields]
    question = {name: question[name] for name in sorted(question, key=order.index)}
    async with ask.session.post(
        f"{ask.url}/v1/query/{kind}", data=msgspec.json.encode(question), headers=headers
    ) as response:
        answer = await response.json()
        if response.status != 200:
            error = answer["error"]
            assert response.status == STATUS[QuestionReason(error["reason"])]
            return error["reason"], error["message"], error.get("field", "")
    if kind == "funnel":
        found: Any = answer["funnels"]
    else:
        found = [
            answer["columns"],
            [(one["labels"], one["rows"]) for one in answer["series"]],
        ]
    return found, {name: answer["meta"].get(name) for name in ("from", "to", "truncated")}


async def over_grpc(channel: Any, kind: str, question: dict[str, Any]) -> Any:
    """The same of gRPC."""
    try:
        parts = await call(channel, kind, question)
    except grpc.aio.AioRpcError as error:
        return told(error)
    meta = parts[-1].meta
    shown = {
        "from": getattr(meta, "from"), "to": meta.to, "truncated": meta.truncated
    }  # fmt: skip
    if kind == "timeseries":
        return [list(parts[0].columns), joined(parts)], shown
    funnels = [
        json_format.MessageToDict(one, always_print_fields_with_no_presence=True)
        for part in parts
        for one in part.funnels
    ]
    for step in (step for one in funnels for step in one["steps"]):
        step["people"] = int(step["people"])
        for name in pb.FunnelStep.DESCRIPTOR.fields_by_camelcase_name:
            step.setdefault(name, None)
    return funnels, shown


def told(error: Any) -> tuple[str, str, str]:
    """Reason, message and field of a refused call, from its google.rpc.Status."""
    trailers = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    field = ""
    for detail in status.details:
        if detail.Unpack(bad):
            field = bad.field_violations[0].field
        else:
            detail.Unpack(info)
    reason = info.reason.lower()
    assert info.domain == "seamark"
    assert error.code() == CODES[GRPC[QuestionReason(reason)]]
    return reason, status.message, field


async def test_a_question_has_one_answer_over_both(store: RunningStore) -> None:
    await fill(store)
    rng = random.Random(21)
    answered = {"timeseries": 0, "funnel": 0}
    async with (
        asking(store, clock_ms=lambda: NOW, grpc=True) as ask,
        channel_of(ask) as channel,
    ):
        for _ in range(150):
            kind, question = a_question(rng)
            expected = await over_http(ask, kind, question)
            assert await over_grpc(channel, kind, question) == expected, question
            answered[kind] += not isinstance(expected[0], str)
        everything = {"metric": "view", "from": NOW - 3_600_000, "to": NOW, "groupBy": ["country"]}
        (rows, _) = await over_grpc(channel, "timeseries", everything)
        assert len(rows[1]) == 3
    assert min(answered.values()) > 25, answered
    assert sum(answered.values()) < 130, answered


@pytest.mark.parametrize(
    ("token", "code", "reason"),
    [
        ("", "UNAUTHENTICATED", "missing_token"),
        ("smq_nobody", "UNAUTHENTICATED", "unknown_token"),
        ("smk_ingest", "PERMISSION_DENIED", "wrong_kind_of_token"),
        ("sma_admin", "PERMISSION_DENIED", "wrong_kind_of_token"),
        ("smq_disabled", "PERMISSION_DENIED", "token_disabled"),
    ],
)
async def test_only_query_tokens_may_call(token: str, code: str, reason: str) -> None:
    async with asking(Scripted(), grpc=True) as ask, channel_of(ask) as channel:
        for kind in KINDS:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(channel, kind, {}, token=token)
            assert refused.value.code().name == code
            assert told(refused.value)[0] == reason


async def test_the_scope_is_that_of_the_token(store: RunningStore) -> None:
    await fill(store)
    question = {"steps": ["view"], "from": NOW - 3_600_000, "to": NOW}
    async with (
        asking(store, clock_ms=lambda: NOW, grpc=True) as ask,
        channel_of(ask) as channel,
    ):
        people = {}
        for name, secret in SECRETS.items():
            (part,) = await call(channel, "funnel", question, token=secret)
            people[name] = part.funnels[0].steps[0].people
            expected = await ask.post("/v1/query/funnel", question, token=secret)
            assert people[name] == expected["funnels"][0]["steps"][0]["people"]
        assert people["acme"] > people["other"] > 0
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, "funnel", question | {"orgId": "other"})
        assert told(refused.value)[::2] == ("out_of_scope", "orgId")


async def test_a_client_that_knows_reflection_alone_can_ask(store: RunningStore) -> None:
    await fill(store)
    async with asking(store, clock_ms=lambda: NOW, grpc=True) as ask:

        def asked() -> Any:
            with grpc.insecure_channel(ask.rpc) as channel:
                database = ProtoReflectionDescriptorDatabase(channel)
                assert SERVICE in database.get_services()
                pool = descriptor_pool.DescriptorPool(database)
                method = pool.FindServiceByName(SERVICE).methods_by_name["Timeseries"]
                request = message_factory.GetMessageClass(method.input_type)
                answer = message_factory.GetMessageClass(method.output_type)
                made = json_format.ParseDict({"metric": "view", "agg": ["count"]}, request())
                ask_for = channel.unary_stream(
                    f"/{SERVICE}/Timeseries",
                    request_serializer=request.SerializeToString,
                    response_deserializer=answer.FromString,
                )
                metadata = [("authorization", f"Bearer {SECRETS['acme']}")]
                return list(ask_for(made, metadata=metadata, timeout=20))

        parts = await asyncio.to_thread(asked)
        answer = await ask.post("/v1/query/timeseries", {"metric": "view"})
        count = sum(point.values[0] for part in parts for s in part.series for point in s.points)
        assert count == sum(row[1] for one in answer["series"] for row in one["rows"]) > 100


async def test_health_is_that_of_the_process() -> None:
    states = health_pb2.HealthCheckResponse
    async with asking(Scripted(), grpc=True) as ask, channel_of(ask) as channel:
        ask.health.expect("store")
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=20)
        seen = []
        async for answer in watch:
            seen.append(answer.status)
            if answer.status == states.NOT_SERVING:
                ask.health.up("store")
            elif states.NOT_SERVING in seen:
                break
        watch.cancel()
        assert seen[-2:] == [states.NOT_SERVING, states.SERVING]
        for name in ("", SERVICE):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == states.SERVING


async def test_who_hangs_up_ends_the_query() -> None:
    store = Scripted()
    store.hang = asyncio.Event()
    async with asking(store, grpc=True) as ask, channel_of(ask) as channel:
        asked = asyncio.create_task(call(channel, "timeseries", {"metric": "view"}))
        async with asyncio.timeout(5):
            await store.started.wait()
            asked.cancel()
            await store.cancelled.wait()
        with contextlib.suppress(asyncio.CancelledError):
            await asked
        path = f'route="/{SERVICE}/Timeseries"'
        assert f"seamark_api_cancelled_total{{{path}}} 1.0" in ask.own_metrics()


async def test_failures_are_counted_and_say_when_to_come_back() -> None:
    store = Scripted()
    store.away = True
    async with asking(store, grpc=True, body_bytes=1024) as ask, channel_of(ask) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as away:
            await call(channel, "timeseries", {"metric": "view"})
        trailers = dict(away.value.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        delay = error_details_pb2.RetryInfo()
        assert status.details[-1].Unpack(delay)
        assert (away.value.code().name, delay.retry_delay.seconds) == ("UNAVAILABLE", 2)
        with pytest.raises(grpc.aio.AioRpcError) as garbled:
            await call(channel, "funnel", b"\xff\xff")
        assert told(garbled.value)[0] == "malformed"
        with pytest.raises(grpc.aio.AioRpcError) as large:
            await call(channel, "timeseries", {"metric": "m" * 2000})
        assert large.value.code().name == "RESOURCE_EXHAUSTED"
        page = ask.own_metrics()
        for name, reason, code in (
            ("Timeseries", "unavailable", 503),
            ("Funnel", "malformed", 400),
        ):
            labels = f'reason="{reason}",route="/{SERVICE}/{name}",status="{code}"'
            assert f"seamark_api_requests_total{{{labels}}} 1.0" in page


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
async def test_tls_is_that_of_http(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-keyout", str(key), "-out", str(cert), "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    async with asking(Scripted(), grpc=True, tls_cert=str(cert), tls_key=str(key)) as ask:
        trusted = grpc.ssl_channel_credentials(cert.read_bytes())
        async with grpc.aio.secure_channel(ask.rpc, trusted) as channel:
            parts = await call(channel, "timeseries", {"metric": "view"})
            assert parts[-1].HasField("meta")
        async with channel_of(ask) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(channel, "timeseries", {"metric": "view"})
            assert refused.value.code().name == "UNAVAILABLE"


def test_the_generated_code_is_that_of_the_published_file(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            *("-m", "grpc_tools.protoc", f"--proto_path=seamark/query/v1={ROOT / 'api/grpc'}"),
            *(f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", "seamark/query/v1/query.proto"),
        ],
        check=True,
        timeout=60,
    )
    for name in ("query_pb2.py", "query_pb2.pyi"):
        made = (tmp_path / "seamark/query/v1" / name).read_text()
        assert made == (ROOT / "api/grpc" / name).read_text(), "make proto"
