"""Severity of log records that have a text and no number, against a table in plain Python."""

import random
import re

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from seamark.wire.signals import Signal
from tests.support.schema_store import RECEIVED_NS, EngineStore, envelope

pytestmark = pytest.mark.integration
LEVELS = {
    1: "trace trc verbose finest finer t",
    5: "debug dbg dbug fine config d",
    9: "info inf information informational success i",
    10: "notice n",
    13: "warn wrn warning w",
    17: "error err eror severe failure e",
    21: "fatal ftl critical crit alert emergency emerg panic dpanic f c",
}
NUMBERS = {name: number for number, names in LEVELS.items() for name in names.split()}
NUMBERS |= {
    f"{name}{step}": 4 * number + step
    for number, name in enumerate(("trace", "debug", "info", "warn", "error", "fatal"))
    for step in (1, 2, 3, 4)
}
OTHERS = ("", "unknown", "none", "level", "0", "17", "infos", "warn5", "é", "default", "  ", "off")


def expected(text: str, number: int) -> int:
    """What is stored for a record with this text and number."""
    word = re.search(r"[A-Za-z]+[1-4]?", text)
    return number or (NUMBERS.get(word[0].lower(), 0) if word else 0)


def test_the_number_is_that_of_the_first_word_of_the_text() -> None:
    rng = random.Random(9)
    cases = []
    for name in (*NUMBERS, *OTHERS):
        for text in (name, name.upper(), name.capitalize()):
            around = rng.choice(("{}", "[{}]", " {} ", "{}:", "<{}>"))
            cases.append((around.format(text), rng.choice((0, 0, rng.randrange(1, 25)))))
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for place, (text, number) in enumerate(cases):
        record = records.add(time_unix_nano=RECEIVED_NS, severity_text=text)
        record.severity_number = SeverityNumber.ValueType(number)
        record.body.string_value = str(place)
    store = EngineStore().migrated()
    store.insert(Signal.LOGS, [envelope(Signal.LOGS, request.SerializeToString())])
    rows = store.rows(
        f"SELECT severity_text, severity_number FROM {store.database}.logs ORDER BY toUInt32(body)"
    )
    assert rows == [[text, expected(text, number)] for text, number in cases]
