"""A batchId used again for other events: told so at once, and never dropped behind a 202."""

import json
from pathlib import Path

import pytest

from processors.blocks.dedup.index import DedupIndex, IndexProgress
from processors.blocks.dedup.rewrite import dedup_block
from processors.blocks.nats_frames import NatsMessage
from seamark.wire.frames import HEADER
from seamark.wire.positions import Position
from seamark.wire.signals import Signal
from tests.support.collector_process import CollectorProcess, batch, messages
from tests.support.envelopes import ReadEnvelope, read_payload
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
FIRST = batch({"ts": 1795316640000, "name": "first"}, batchId="b")
OTHER = batch(
    {"ts": 1795316640000, "name": "second"}, {"ts": 1795316640000, "name": "third"}, batchId="b"
)


def given_to_a_sink(log: NatsServer) -> list[ReadEnvelope]:
    """The envelopes of the one partition that holds batch `b`, as dedup leaves them."""
    found = [message for message in messages(log) if HEADER in message.headers]
    assert len({message.partition for message in found}) == 1
    stored = []
    for sequence, message in enumerate(found, 1):
        headers = f"NATS/1.0\r\n{HEADER}: {message.headers[HEADER]}\r\n\r\n".encode()
        stored.append(NatsMessage(sequence, sequence, 0, 0.0, message.payload, headers))
    index = DedupIndex("")
    index.begin(IndexProgress(0, 0, 0, 0))
    position = Position(0, len(stored), "t")
    block = dedup_block(index, stored, signal=Signal.EVENTS, position=position)
    index.close()
    return [one for message in block.messages for one in read_payload(message.payload)]


def test_the_collector_that_took_the_first_answers_409(log: NatsServer, tmp_path: Path) -> None:
    with CollectorProcess(log, tmp_path / "collector") as running:
        assert [running.send(FIRST).status for _ in range(2)] == [202, 202]
        answer = running.send(OTHER)
        again = running.send({**OTHER, "batchId": "b2"})

    assert (answer.status, answer.reason) == (409, "id_reused")
    assert "send it again with a new batchId" in answer.json["error"]["message"]
    assert (again.status, again.json["accepted"]) == (202, 2)
    counted = [e for m in messages(log) for e in m.envelopes if e.request_rejections]
    assert [(e.request_rejections, e.rejected) for e in counted] == [
        ({"id_reused": 1}, {"id_reused": 2})
    ]


def test_what_another_collector_takes_is_reported_behind_the_log(
    log: NatsServer, tmp_path: Path
) -> None:
    for number, document in enumerate((FIRST, OTHER, FIRST)):
        with CollectorProcess(log, tmp_path / f"collector-{number}") as running:
            assert running.send(document).status == 202

    first, other, retry = given_to_a_sink(log)
    assert [event["name"] for event in first.events] == ["first"]
    assert (other.body, retry.body) == (b"", b"")
    assert (other.outcome["accepted"], other.outcome["dead_lettered"]) == (2, 2)
    assert [(one.reason, one.field) for one in other.dead_letters] == [("id_reused", "batchId")] * 2
    originals = [json.loads(one.original)["name"] for one in other.dead_letters]
    assert originals == ["second", "third"]
    assert (retry.outcome["accepted"], retry.outcome["duplicate"]) == (1, 1)
