"""Ledger, receipts and dead letters, asked over HTTP of a real store."""

from pathlib import Path
from typing import Any

import pytest

from seamark.wire.envelope import DeadLetter, Outcome
from seamark.wire.signals import Signal
from tests.support.ledger import Judge, QuietLog, events, receipt_id, sent
from tests.support.questions_stack import SECRETS, RunningStore, asking, running_store

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123  # 2026-11-22T10:24:00.123Z
MINUTE = 60_000
THEN = NOW - 30 * MINUTE
ADMIN = "sma_admin"
BAD = [
    DeadLetter(1, "invalid_value", "value", "not a number", b'{"name":"buy","value":"3.5"}', "buy"),
    DeadLetter(2, "invalid_name", "name", "no name", b'{"name":"\xc3\xa4 b","value":1}', "ä b"),
    DeadLetter(3, "malformed", "", "no JSON", b"\xff\x00not json"),
]
DEAD_LETTERED = DeadLetter(0, "refused_by_store", "", "Code: 444", b"", "SEAMARK_events_0:7:1")


async def fill(store: RunningStore) -> None:
    rejected = {"invalid_value": 1, "invalid_name": 1, "malformed": 1}
    await store.insert(
        Signal.EVENTS,
        [
            sent(
                Outcome(5, 2, rejected),
                receipt=1,
                received_ms=THEN,
                events=events(2, THEN),
                dead_letters=BAD,
                sent_ms=THEN - 50,
            ),
            sent(Outcome(3, 3), receipt=2, received_ms=THEN + MINUTE, events=events(3, THEN)),
            sent(Outcome(3, 3, duplicate=3), receipt=2, received_ms=THEN + 2 * MINUTE),
            sent(
                Outcome(4, 4, dead_lettered=4),
                receipt=3,
                received_ms=THEN + 2 * MINUTE,
                app="blog",
                dead_letters=[DEAD_LETTERED],
            ),
            # claims more than there is: a fault
            sent(
                Outcome(9, 9), receipt=4, received_ms=THEN + 5 * MINUTE, events=events(7, THEN),
                org="other",
            ),
            sent(
                Outcome(0, 0, request_rejections={"rate_limited": 6}), receipt=5, received_ms=THEN
            ),
            sent(Outcome(2, 0, {"too_late": 2}), receipt=6, received_ms=THEN),
            sent(Outcome(2, 2, duplicate=2), receipt=7, received_ms=THEN),
        ],
    )  # fmt: skip
    replayed = [{"ts": THEN, "name": "x", "id": "no-uuid"}]
    await store.insert(
        Signal.EVENTS,
        [sent(Outcome(1, 1), receipt=8, received_ms=THEN, events=replayed, key="replay")],
    )


def log(settled_ms: int = NOW) -> dict[str, Any]:
    return {"log": QuietLog(settled_ms)}


async def test_the_ledger_balances(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW, parts=log()) as ask:
        answer = await ask.get("/v1/ledger", {"step": "1m"}, token=ADMIN)
        totals = answer["totals"]
        assert answer["balanced"] is True
        assert totals["balance"] == {"offered": 0, "stored": 0, "archived": 6}
        assert (totals["offered"], totals["accepted"], totals["stored"]) == (20, 15, 6)
        assert (totals["duplicate"], totals["deadLettered"], totals["deadLetters"]) == (5, 4, 4)
        assert totals["rejected"]["too_late"] == 2
        assert totals["requestRejections"] == {"rate_limited": 6}
        first = answer["rows"][0]
        assert first["time"] == THEN - THEN % MINUTE
        assert (first["app"], first["signal"], first["settled"]) == ("shop", "events", True)
        assert answer["meta"]["granularity"] == "1m"

        coarse = await ask.get("/v1/ledger", {"app": "blog", "step": "1h", "signal": "events"})
        assert [row["deadLettered"] for row in coarse["rows"]] == [4]
        replays = await ask.get("/v1/ledger", {"key": "replay"})
        assert replays["totals"]["accepted"] == 1
        assert (await ask.get("/v1/ledger", {"signal": "logs"}))["balanced"] is None


@pytest.mark.parametrize(
    ("minutes", "shop", "blog"),
    [
        (30, (11, 0, None), (4, 0, None)),  # the last window begins with the first minute
        (29, (6, 5, 0.2), (4, 0, None)),
        (28, (3, 8, -0.625), (4, 0, None)),
        (27, (0, 11, -1), (0, 4, -1)),
        (5, (0, 0, None), (0, 0, None)),
    ],
)
async def test_what_arrives_is_told_against_the_time_before(
    store: RunningStore,
    minutes: int,
    shop: tuple[int, int, float | None],
    blog: tuple[int, int, float | None],
) -> None:
    first = THEN - THEN % MINUTE
    newest = first + 2 * MINUTE
    async with asking(store, clock_ms=lambda: NOW, parts=log()) as ask:
        answer = await ask.post("/v1/query/freshness", {"minutes": minutes})
    assert [
        (row["app"], row["signal"], row["items"], row["before"], row["change"], row["time"])
        for row in answer["arrivals"]
    ] == [("blog", "events", *blog, newest), ("shop", "events", *shop, newest)]
    assert {row["silentMs"] for row in answer["arrivals"]} == {27 * MINUTE}


async def test_what_arrives_is_told_of_the_token_s_app_alone(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW, parts=log()) as ask:
        answer = await ask.post("/v1/query/freshness", {}, token=SECRETS["shop"])
        assert {row["app"] for row in answer["arrivals"]} == {"shop"}
        blog = [{"key": "app", "value": "blog"}]
        answer = await ask.post("/v1/query/freshness", {"filters": blog})
        assert {row["app"] for row in answer["arrivals"]} == {"blog"}
        wrong = await ask.post(
            "/v1/query/freshness", {"filters": [{"key": "page", "value": "/"}]}, status=400
        )
        assert wrong["error"]["field"] == "filters[0].key"


async def test_a_fault_shows_in_its_own_ledger_only(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW, parts=log()) as ask:
        answer = await ask.get("/v1/ledger", token=SECRETS["other"])
        assert answer["balanced"] is False
        assert answer["totals"]["balance"]["stored"] == 2


async def test_what_is_in_flight_is_no_fault(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW, parts=log(THEN + 5 * MINUTE)) as ask:
        answer = await ask.get("/v1/ledger", {"step": "1m"}, token=SECRETS["other"])
        assert [row["settled"] for row in answer["rows"]] == [False]
        assert answer["balanced"] is None
    async with asking(store, clock_ms=lambda: NOW) as ask:  # nobody knows how far the log is
        answer = await ask.get("/v1/ledger", token=SECRETS["other"])
        assert (answer["balanced"], answer["settledUntil"]) == (None, None)


async def test_who_may_read_the_ledger(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW, parts=log()) as ask:
        for path in ("/v1/ledger", "/v1/deadletters", f"/v1/receipts/{receipt_id(1)}"):
            for token in ("", "smk_ingest", "smq_nobody", "smq_disabled"):
                await ask.get(path, token=token, status=401 if token in ("", "smq_nobody") else 403)
            for token in (ADMIN, SECRETS["acme"], SECRETS["shop"]):
                await ask.get(path, token=token)
        shop = await ask.get("/v1/ledger", token=SECRETS["shop"])
        assert {row["app"] for row in shop["rows"]} == {"shop"}
        beyond = await ask.get("/v1/ledger", {"app": "blog"}, token=SECRETS["shop"], status=403)
        assert beyond["error"]["field"] == "app"
        refused = await ask.post("/v1/deadletters:replay", {}, token=SECRETS["acme"], status=403)
        assert "admin_token" in refused["error"]["message"]
        assert (await ask.get("/v1/deadletters", token=SECRETS["other"]))["deadLetters"] == []


@pytest.mark.parametrize(
    ("path", "query", "field", "status"),
    [
        ("/v1/ledger", {"step": "30s"}, "step", 400),
        ("/v1/ledger", {"from": "yesterday"}, "from", 400),
        ("/v1/ledger", {"signal": "spans"}, "signal", 400),
        ("/v1/ledger", {"from": "now-1w", "step": "1m"}, "step", 422),
        ("/v1/ledger", {"nothing": "1"}, "nothing", 400),
        ("/v1/deadletters", {"limit": "0"}, "limit", 400),
        ("/v1/deadletters", {"cursor": "x"}, "cursor", 400),
        ("/v1/receipts/xyz", {}, "id", 400),
    ],
)
async def test_wrong_questions_say_where(
    store: RunningStore, path: str, query: dict[str, str], field: str, status: int
) -> None:
    async with asking(store, clock_ms=lambda: NOW, parts=log()) as ask:
        answer = await ask.get(path, query, status=status)
        assert answer["error"]["field"] == field


@pytest.mark.parametrize(
    ("number", "state", "rows", "expected", "tries"),
    [
        (1, "stored", 2, 2, 1),
        (2, "stored", 3, 3, 2),
        (3, "dead_lettered", 0, 0, 1),
        (6, "rejected", 0, 0, 1),
        (7, "duplicate", 0, 0, 1),
    ],
)
async def test_what_became_of_a_request(
    store: RunningStore, number: int, state: str, rows: int, expected: int, tries: int
) -> None:
    async with asking(store, clock_ms=lambda: NOW, parts=log()) as ask:
        answer = await ask.get(f"/v1/receipts/{receipt_id(number)}")
        assert answer["state"] == state
        assert answer["stored"] == {"rows": rows, "expected": expected}
        assert answer["tries"] == tries
        assert answer["logged"] is False
        assert answer["archived"] == {"files": [], "complete": False}
        assert ("why" in answer) == (state != "stored")
        assert answer["deadLetters"] == {1: 3, 3: 1}.get(number, 0)
        unknown = await ask.get(
            f"/v1/receipts/{receipt_id(number)}", token=SECRETS["other"], status=404
        )
        nothing = await ask.get(f"/v1/receipts/{receipt_id(99)}", status=404)
        assert unknown == nothing


async def test_rows_that_are_missing_are_reported(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW, parts=log()) as ask:
        answer = await ask.get(f"/v1/receipts/{receipt_id(4)}", token=SECRETS["other"])
        assert (answer["state"], answer["stored"]) == ("fault", {"rows": 7, "expected": 9})
        assert "7 rows" in answer["why"]


async def test_dead_letters_are_shown_as_they_were_sent(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW, parts=log()) as ask:
        answer = await ask.get("/v1/deadletters")
        once = {"invalid_name": 1, "invalid_value": 1, "malformed": 1, "refused_by_store": 1}
        assert answer["reasons"] == once
        dead_lettered = answer["deadLetters"][0]
        assert (dead_lettered["reason"], dead_lettered["name"]) == (
            "refused_by_store",
            "SEAMARK_events_0:7:1",
        )
        assert (dead_lettered["original"], dead_lettered["encoding"]) == ("", "base64")
        by_reason = {dead_letter["reason"]: dead_letter for dead_letter in answer["deadLetters"]}
        assert by_reason["invalid_name"]["original"] == '{"name":"ä b","value":1}'
        assert by_reason["malformed"]["encoding"] == "base64"
        dead_letter = by_reason["invalid_value"]
        assert (dead_letter["receivedAt"], dead_letter["sentAt"]) == (THEN, THEN - 50)
        assert (dead_letter["index"], dead_letter["receiptId"]) == (1, receipt_id(1))
        assert dead_letter["replayed"] is None

        one = await ask.get("/v1/deadletters", {"reason": "invalid_name", "name": "ä b"})
        assert [found["name"] for found in one["deadLetters"]] == ["ä b"]
        pages, cursor = [], ""
        for _ in range(4):
            page = await ask.get("/v1/deadletters", {"limit": "1", "cursor": cursor})
            pages += page["deadLetters"]
            cursor = page["cursor"]
        assert cursor == ""
        assert pages == answer["deadLetters"]


async def test_a_dry_run_shows_before_and_after(store: RunningStore) -> None:
    judge = Judge()
    change = {"op": "cast", "field": "value", "to": "number"}
    asked = {"from": "now-1h", "app": "shop", "patch": [change]}
    async with asking(store, clock_ms=lambda: NOW, parts=log() | {"ingest": judge}) as ask:
        answer = await ask.post("/v1/deadletters:replay", asked, token=ADMIN)
        assert (answer["accepted"], answer["rejected"], answer["skipped"]) == (2, 0, 1)
        told = {dead_letter["result"]: dead_letter for dead_letter in answer["deadLetters"]}
        assert told["skipped"]["why"] == "its original is no JSON"
        changed = next(
            x for x in answer["deadLetters"] if x["before"] and x["before"]["name"] == "buy"
        )
        assert changed["before"] == {"name": "buy", "value": "3.5"}
        assert changed["after"] == {"name": "buy", "value": 3.5, "id": changed["deadLetterId"]}
        [(batch, token, dry_run)] = judge.batches
        assert (token, dry_run) == (ADMIN, True)
        assert (batch["appId"], batch["receivedAt"], batch["sentAt"]) == ("shop", THEN, THEN - 50)
        assert batch["sdk"] == {"name": "web", "version": "1.2"}
        assert answer["receipts"] == []

        unpatched = await ask.post("/v1/deadletters:replay", {"from": "now-1h"}, token=ADMIN)
        assert (unpatched["accepted"], unpatched["rejected"]) == (1, 1)
        whys = {
            dead_letter["why"]
            for dead_letter in unpatched["deadLetters"]
            if dead_letter["result"] == "skipped"
        }
        assert whys == {"its original was not kept", "its original is no JSON"}
        why = next(x["why"] for x in unpatched["deadLetters"] if x["result"] == "rejected")
        assert why == "invalid_value: is no number"
        assert judge.batches[1][0]["batchId"] != batch["batchId"]
        await ask.post("/v1/deadletters:replay", asked, token=ADMIN)
        assert judge.batches[2][0]["batchId"] == batch["batchId"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"patch": [{"op": "drop", "field": "user.name"}]}, "patch[0]"),
        ({"patch": [{"op": "rename", "from": "a", "to": "a"}]}, "patch[0].to"),
        ({"patch": [{"op": "cast", "field": "a", "to": "list"}]}, "patch[0].to"),
        ({"patch": [{"op": "explode"}]}, "patch[0].op"),
        ({"deadLetterIds": ["x"]}, "deadLetterIds[0]"),
        ({"limit": 1001}, "limit"),
        ({"app": "nobody"}, "app"),
    ],
)
async def test_wrong_replays_say_where(
    store: RunningStore, asked: dict[str, Any], field: str
) -> None:
    parts = log() | {"ingest": Judge()}
    async with asking(store, clock_ms=lambda: NOW, parts=parts) as ask:
        status = 403 if field == "app" else 400
        answer = await ask.post("/v1/deadletters:replay", asked, token=ADMIN, status=status)
        assert answer["error"]["field"] == field


async def test_a_collector_that_is_away_or_refuses(store: RunningStore) -> None:
    judge = Judge(away=True)
    parts = log() | {"ingest": judge}
    async with asking(store, clock_ms=lambda: NOW, parts=parts) as ask:
        await ask.post("/v1/deadletters:replay", {"from": "now-1h"}, token=ADMIN, status=503)
        judge.away, judge.turned = False, "app shop is disabled"
        answer = await ask.post("/v1/deadletters:replay", {"from": "now-1h"}, token=ADMIN)
        assert answer["rejected"] == 2
        assert {x["why"] for x in answer["deadLetters"] if x["result"] == "rejected"} == {
            judge.turned
        }


async def test_what_was_replayed_is_left_out(tmp_path: Path) -> None:
    patch = [{"op": "default", "field": "value", "value": 1}]
    with running_store(tmp_path) as store:
        await store.provision()
        dead_letters = [DeadLetter(n, "invalid_value", "", "", b'{"name":"buy"}') for n in range(3)]
        outcome = Outcome(3, 0, {"invalid_value": 3})
        await store.insert(
            Signal.EVENTS, [sent(outcome, receipt=1, received_ms=THEN, dead_letters=dead_letters)]
        )
        judge = Judge()
        async with asking(store, clock_ms=lambda: NOW, parts=log() | {"ingest": judge}) as ask:
            real = {"from": "now-1h", "dryRun": False, "patch": patch}
            found = (await ask.get("/v1/deadletters"))["deadLetters"]
            one = {"deadLetterIds": [found[0]["deadLetterId"]]}
            answer = await ask.post("/v1/deadletters:replay", real | one, token=ADMIN)
            assert (answer["accepted"], answer["receipts"]) == (1, [receipt_id(77)])
            [(batch, _, dry_run)] = judge.batches
            assert dry_run is False

            await store.insert(
                Signal.EVENTS,
                [
                    sent(
                        Outcome(1, 1),
                        receipt=77,
                        received_ms=THEN,
                        events=[event | {"ts": THEN} for event in batch["events"]],
                        key="replay",
                    )
                ],
            )
            shown = (await ask.get("/v1/deadletters"))["deadLetters"]
            assert [x["replayed"] is not None for x in shown] == [True, False, False]
            assert shown[0]["replayed"]["receiptId"] == receipt_id(77)
            rest = await ask.post("/v1/deadletters:replay", real, token=ADMIN)
            assert rest["accepted"] == 2
            assert (await ask.post("/v1/deadletters:replay", real | one, token=ADMIN))[
                "deadLetters"
            ] == []
            again = await ask.post(
                "/v1/deadletters:replay", real | one | {"again": True}, token=ADMIN
            )
            assert again["accepted"] == 1
            assert judge.batches[-1][0]["batchId"] == batch["batchId"]
            page = await ask.post(
                "/v1/deadletters:replay", {"from": "now-1h", "limit": 1}, token=ADMIN
            )
            last = await ask.post(
                "/v1/deadletters:replay",
                {"from": "now-1h", "limit": 1, "cursor": page["cursor"]},
                token=ADMIN,
            )
            assert last["cursor"] == ""
            assert page["deadLetters"][0]["deadLetterId"] != last["deadLetters"][0]["deadLetterId"]
