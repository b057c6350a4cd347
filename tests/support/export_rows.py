"""Random rows with everything in them that a file can get wrong, and exports of them made here."""

import csv
import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from api.exports.job import RESULT, ExportJob, ExportProgress, StoreAccess
from api.exports.record import Reading
from api.exports.worker import ExportWorker
from api.query.decode import from_json
from api.query.export import TABLES, ExportRequest, plan_export
from seamark.wire.signals import Signal
from tests.support.questions_stack import RunningStore, envelope

NOW = 1_795_343_040_123
HOUR = 3_600_000
HOSTILE = [
    "plain", "", ",", '"', '""', "a\r\nb", "\n", "=1+2", "-1", "+x", "@sum", "\t=x", "é ü 漢 😀",
    "NULL", "\\N", "null", "a'b\\c", "x" * 900, " lead", "{}", "1e5", "true", ";--", "\\",
]  # fmt: skip
SCOPES = {"acme": ("acme", ""), "shop": ("acme", "shop"), "other": ("other", "")}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """An event: what an export of it has to show."""

    org: str
    app: str
    time: int
    id: str
    name: str
    value: float | None
    session: str
    attrs: dict[str, str]
    weight: float

    def label(self, key: str) -> str:
        """What filters see."""
        if key in ("app", "name"):
            return str(getattr(self, key))
        return self.attrs.get(key, "")


def make_rows(count: int) -> list[Row]:
    """Many of one millisecond, most within hours."""
    rng = random.Random(23)
    return [
        Row(
            org=rng.choice(["acme", "acme", "other"]),
            app=rng.choice(["shop", "blog"]),
            time=NOW - rng.choice([rng.randrange(5 * HOUR), rng.randrange(3)]),
            id=f"e{place}",
            name=rng.choice(["view", "cart", "pay"]),
            value=rng.choice([None, 0.0, -1.5, 1e300, 3.0, 0.1, 12345678901.25]),
            session=rng.choice(HOSTILE[:16]),
            attrs={
                key: rng.choice(HOSTILE)
                for key in rng.sample(["page", "plan", "a,b", 'q"', "=k", "schlüssel"], 3)
            },
            weight=rng.choice([1.0, 4.0]),
        )
        for place in range(count)
    ]


ROWS = make_rows(1500)


def envelopes(rows: Sequence[Row] = ROWS) -> list[bytes]:
    """One for each sender and weight."""
    groups: dict[tuple[str, str, float], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        made: dict[str, Any] = {"ts": row.time, "id": row.id, "name": row.name, "attrs": row.attrs}
        made |= {} if row.value is None else {"value": row.value}
        made |= {"sessionId": row.session} if row.session else {}
        groups[row.org, row.app, row.weight].append(made)
    return [
        envelope(
            Signal.EVENTS, msgspec.json.encode(made), org=org, app=app, weight=weight,
            received_ms=NOW, sent_ms=NOW,
        )
        for (org, app, weight), made in groups.items()
    ]  # fmt: skip


def expected(token: str, body: Mapping[str, Any], rows: Sequence[Row] = ROWS) -> list[Row]:
    """What an export with these fields has to hold, by looking at every row; in order of ids."""
    org, app = SCOPES[token]
    app = app or body.get("appId", "")
    found = [
        row
        for row in rows
        if row.org == org
        and app in ("", row.app)
        and body["from"] <= row.time < body["to"]
        and all(_passes(row.label(f["key"]), f) for f in body.get("filters", []))
    ]
    return sorted(found, key=lambda row: row.id)


def _passes(text: str, filter_: Mapping[str, Any]) -> bool:
    value = filter_.get("value")
    tests: dict[str, Callable[[], bool]] = {
        "=": lambda: text == value,
        "!=": lambda: text != value,
        "in": lambda: text in list(value or []),
        "!in": lambda: text not in list(value or []),
        "=~": lambda: re.fullmatch(str(value), text) is not None,
        "!~": lambda: re.fullmatch(str(value), text) is None,
        "exists": lambda: text != "",
        "!exists": lambda: text == "",
    }
    return tests[filter_.get("op", "=")]()


def job(
    store: RunningStore, folder: Path, token: str, body: Mapping[str, Any], **of: Any
) -> ExportJob:
    """What the API would have made, with limits of the test's own."""
    request = from_json(msgspec.json.encode({"signal": "events", **body}), ExportRequest)
    org, app = SCOPES[token]
    plan = plan_export(request, org=org, app=app or request.app_id, now_ms=NOW)
    return ExportJob(
        folder=str(folder),
        form=request.format,
        reading=Reading(
            signal=plan.signal,
            table=TABLES[plan.signal],
            source="archive" if request.source == "archive" else "store",
            since_ms=plan.range.from_ms,
            until_ms=plan.range.to_ms,
            limit=plan.limit,
            rows=plan.rows,
            counts=plan.counts,
            files=plan.files,
        ),
        store=StoreAccess(
            url=store.settings.url, user=store.settings.user, password=store.settings.password,
            database=store.settings.database, tls_ca="",
        ),
        **{
            "most_rows": 1_000_000, "most_bytes": 1 << 30, "slice_rows": 100,
            "slice_seconds": 30, "memory_bytes": 1 << 30, "disk_keep_bytes": 0, **of,
        },
    )  # fmt: skip


def make(job_: ExportJob) -> tuple[ExportProgress, Path]:
    """Make an export in this process; its last word, and its file."""
    Path(job_.folder).mkdir()
    return ExportWorker(job_).run(), Path(job_.folder) / RESULT


def read_csv(file: Path) -> list[dict[str, str]]:
    """As any reader of RFC 4180 does."""
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened, strict=True))


def iso_ms(text: str) -> int:
    """Epoch milliseconds."""
    return round((datetime.fromisoformat(text) - EPOCH).total_seconds() * 1000)


def from_csv(found: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Columns of a test's export as values, in order of ids."""
    rows = [
        {
            "time": iso_ms(row["time"]), "app": row["app"], "id": row["event_id"],
            "name": row["name"], "value": float(row["value"]) if row["value"] else None,
            "session": row["session_id"], "attrs": msgspec.json.decode(row["attrs"]),
            "weight": float(row["weight"]),
        }
        for row in found
    ]  # fmt: skip
    return sorted(rows, key=lambda row: str(row["id"]))


def from_parquet(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same of Parquet, as pyarrow or DuckDB gives rows."""
    rows = [
        {
            "time": round((row["time"] - EPOCH).total_seconds() * 1000), "app": row["app"],
            "id": row["event_id"], "name": row["name"], "value": row["value"],
            "session": row["session_id"], "attrs": dict(row["attrs"]), "weight": row["weight"],
        }
        for row in found
    ]  # fmt: skip
    return sorted(rows, key=lambda row: str(row["id"]))


def shown(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What `from_csv` and `from_parquet` should give of these."""
    fields = ("time", "app", "id", "name", "value", "session", "attrs", "weight")
    return [{name: getattr(row, name) for name in fields} for row in rows]
