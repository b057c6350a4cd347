"""Exports over HTTP: their life, who sees them, what is refused, and what outlives what."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.exports.exports import Exports
from api.exports.folder import ExportFolder
from api.exports.record import ExportRecord
from api.exports.settings import ExportSettings
from seamark.wire.signals import Signal
from tests.support.export_rows import HOUR, NOW, envelopes, expected, from_csv, read_csv, shown
from tests.support.questions_stack import (
    SECRETS,
    Asking,
    RunningStore,
    asking,
    running_store,
)
from tests.support.servers import free_port

pytestmark = pytest.mark.integration
ALL: dict[str, Any] = {"signal": "events", "from": NOW - 6 * HOUR, "to": NOW + 1}
ASK = "/v1/query/export"
MANY_SLICES: dict[str, Any] = {"slice_rows": 1}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running_store(Path(tmp_path_factory.mktemp("store"))) as running:
        asyncio.run(running.provision())
        asyncio.run(running.insert(Signal.EVENTS, envelopes()))
        yield running


@contextlib.asynccontextmanager
async def serving(
    store: RunningStore, folder: Path, *, begin: bool = True, **limits: Any
) -> AsyncIterator[Asking]:
    """The application with exports in a folder; without `begin` they are only queued."""
    settings = ExportSettings(path=str(folder), **{"disk_keep_bytes": 0, **limits})
    exports = Exports(settings, store.settings)
    if begin:
        await exports.start()
    else:
        ExportFolder(folder).create()
    try:
        async with asking(store, clock_ms=lambda: NOW, parts={"exports": exports}) as ask:
            yield ask
    finally:
        await exports.stop()


async def until(
    ask: Asking, id_: str, enough: Callable[[Any], bool], *, token: str = SECRETS["acme"]
) -> Any:
    """Look until it is enough, at most two minutes: the machine may be busy."""
    async with asyncio.timeout(120):
        while not enough(found := await ask.get(f"/v1/exports/{id_}", token=token)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


def over(found: Any) -> bool:
    return found["status"] not in ("queued", "running")


async def file_of(ask: Asking, id_: str, **headers: str) -> tuple[int, Any, bytes]:
    wanted = {"Authorization": f"Bearer {SECRETS['acme']}", **headers}
    async with ask.session.get(f"{ask.url}/v1/exports/{id_}/file", headers=wanted) as response:
        return response.status, response.headers, await response.read()


async def test_its_life(store: RunningStore, tmp_path: Path) -> None:
    async with serving(store, tmp_path / "exports") as ask:
        begun = await ask.post(ASK, ALL, status=202)
        assert (begun["status"], begun["source"], begun["progress"]) == ("queued", "store", 0)
        done = await until(ask, begun["id"], over)
        wanted = expected("acme", ALL)
        assert done["status"] == "done", done
        assert (done["rows"], done["expectedRows"], done["progress"]) == (len(wanted),) * 2 + (1,)
        assert (await ask.get("/v1/exports"))["exports"] == [done]

        status, headers, body = await file_of(ask, begun["id"])
        assert (status, len(body)) == (200, done["bytes"])
        assert headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
        assert headers["Content-Disposition"] == f'attachment; filename="{done["fileName"]}"'
        (tmp_path / "file").write_bytes(body)
        assert from_csv(read_csv(tmp_path / "file")) == shown(wanted)
        status, headers, part = await file_of(ask, begun["id"], Range="bytes=10-19")
        assert (status, part) == (206, body[10:20])
        assert headers["Content-Range"] == f"bytes 10-19/{len(body)}"
        status, _, rest = await file_of(ask, begun["id"], Range=f"bytes={len(body) - 5}-")
        assert (status, rest) == (206, body[-5:])
        assert (await file_of(ask, begun["id"], Range=f"bytes={len(body)}-"))[0] == 416

        path = f"/v1/exports/{begun['id']}"
        async with ask.session.delete(
            ask.url + path, headers={"Authorization": f"Bearer {SECRETS['acme']}"}
        ) as response:
            assert (await response.json())["status"] == "removed"
        await ask.get(path, status=404)
        assert [p.name for p in (tmp_path / "exports").iterdir()] == ["lock"]


async def test_parquet_has_its_own_type(store: RunningStore, tmp_path: Path) -> None:
    async with serving(store, tmp_path / "exports") as ask:
        begun = await ask.post(ASK, {**ALL, "format": "parquet", "limit": 3}, status=202)
        done = await until(ask, begun["id"], over)
        _, headers, body = await file_of(ask, begun["id"])
    assert done["rows"] == 3
    assert headers["Content-Type"] == "application/vnd.apache.parquet"
    assert (body[:4], body[-4:]) == (b"PAR1", b"PAR1")


async def test_whose_exports_they_are(store: RunningStore, tmp_path: Path) -> None:
    async with serving(store, tmp_path / "exports") as ask:
        whole = await ask.post(ASK, ALL, status=202)
        one = await ask.post(ASK, {**ALL, "appId": "shop"}, token=SECRETS["shop"], status=202)
        blog = await ask.post(ASK, {**ALL, "appId": "blog"}, status=202)
        for export in (whole, one, blog):
            await until(ask, export["id"], over)
        listed = {}
        for token in ("acme", "shop", "other"):
            found = await ask.get("/v1/exports", token=SECRETS[token])
            listed[token] = {export["id"] for export in found["exports"]}
        assert listed == {
            "acme": {whole["id"], one["id"], blog["id"]}, "shop": {one["id"]}, "other": set(),
        }  # fmt: skip
        hidden = [("other", one), ("other", whole), ("shop", whole), ("shop", blog)]
        for token, export in hidden:
            for path in ("", "/file"):
                await ask.get(f"/v1/exports/{export['id']}{path}", token=SECRETS[token], status=404)
            headers = {"Authorization": f"Bearer {SECRETS[token]}"}
            address = f"{ask.url}/v1/exports/{export['id']}"
            async with ask.session.delete(address, headers=headers) as response:
                assert response.status == 404
        for wrong, status in (
            ("", 401),
            ("smq_none", 401),
            ("smk_ingest", 403),
            ("sma_admin", 403),
        ):
            await ask.get(f"/v1/exports/{one['id']}", token=wrong, status=status)
            await ask.post(ASK, ALL, token=wrong, status=status)
        rows = {export["rows"] for export in (await ask.get("/v1/exports"))["exports"]}
        blogs = {**ALL, "appId": "blog"}
        assert rows == {
            len(expected("acme", ALL)), len(expected("shop", ALL)), len(expected("acme", blogs)),
        }  # fmt: skip
        for body in ({"appId": "none"}, {"orgId": "other"}):
            await ask.post(ASK, ALL | body, status=403)
        await ask.post(ASK, {**ALL, "appId": "blog"}, token=SECRETS["shop"], status=403)


@pytest.mark.parametrize(
    ("limits", "body", "status", "named"),
    [
        ({"rows": 5}, {"limit": 6}, 422, "SEAMARK_EXPORT_ROWS"),
        ({"total_bytes": 0}, {}, 422, "SEAMARK_EXPORT_TOTAL_BYTES"),
        ({"disk_keep_bytes": 1 << 60}, {}, 503, "SEAMARK_EXPORT_DISK_KEEP_BYTES"),
        ({}, {"source": "archive"}, 400, "archive holds no events"),
        ({}, {"columns": ["org"]}, 400, "no column"),
    ],
)
async def test_what_is_refused_at_once(
    store: RunningStore, tmp_path: Path, limits: Any, body: Any, status: int, named: str
) -> None:
    async with serving(store, tmp_path / "exports", begin=False, **limits) as ask:
        answer = await ask.post(ASK, ALL | body, status=status)
        assert named in answer["error"]["message"]
        assert (await ask.get("/v1/exports"))["exports"] == []


async def test_an_org_has_so_many_at_a_time(store: RunningStore, tmp_path: Path) -> None:
    async with serving(store, tmp_path / "exports", begin=False, org_exports=2) as ask:
        first = await ask.post(ASK, ALL, status=202)
        await ask.post(ASK, ALL, status=202)
        answer = await ask.post(ASK, ALL, status=422)
        assert "SEAMARK_EXPORT_ORG_EXPORTS" in answer["error"]["message"]
        await ask.post(ASK, ALL, token=SECRETS["other"], status=202)
        await ask.get(f"/v1/exports/{first['id']}/file", status=404)
        headers = {"Authorization": f"Bearer {SECRETS['acme']}"}
        async with ask.session.delete(
            f"{ask.url}/v1/exports/{first['id']}", headers=headers
        ) as response:
            assert (await response.json())["status"] == "cancelled"
        await ask.post(ASK, ALL, status=202)


async def test_without_a_folder_there_are_none(store: RunningStore) -> None:
    async with asking(store) as ask:
        answer = await ask.post(ASK, ALL, status=404)
        assert "SEAMARK_EXPORT_PATH" in answer["error"]["message"]


async def test_one_that_runs_is_cancelled(store: RunningStore, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    async with serving(store, folder, **MANY_SLICES) as ask:
        begun = await ask.post(ASK, ALL, status=202)
        running = await until(ask, begun["id"], lambda found: found["rows"] > 0)
        assert running["status"] == "running"
        assert 0 < running["progress"] < 1
        headers = {"Authorization": f"Bearer {SECRETS['acme']}"}
        address = f"{ask.url}/v1/exports/{begun['id']}"
        async with ask.session.delete(address, headers=headers) as response:
            assert (await response.json())["status"] == "cancelled"
        ended = await until(ask, begun["id"], over)
        assert ended["status"] == "cancelled"
        assert not list(folder.glob("*/attempt-*"))


async def test_what_was_left_is_begun_again(store: RunningStore, tmp_path: Path) -> None:
    """Stopped in the middle; then its process is gone, and its lock with it."""
    folder = tmp_path / "exports"
    async with serving(store, folder, **MANY_SLICES) as ask:
        begun = await ask.post(ASK, ALL, status=202)
        await until(ask, begun["id"], lambda found: found["rows"] > 0)
    async with serving(store, folder) as ask:
        done = await until(ask, begun["id"], over)
        (tmp_path / "file").write_bytes((await file_of(ask, begun["id"]))[2])
    assert (done["status"], done["attempt"]) == ("done", 1)
    assert from_csv(read_csv(tmp_path / "file")) == shown(expected("acme", ALL))


async def test_two_processes_share_a_folder(store: RunningStore, tmp_path: Path) -> None:
    """Each export is made by one of them, and both answer for all."""
    folder = tmp_path / "exports"
    async with (
        serving(store, folder, concurrent=1, org_exports=9) as one,
        serving(store, folder, concurrent=1, org_exports=9) as other,
    ):
        begun = [
            await ask.post(ASK, {**ALL, "limit": 10 + place}, status=202)
            for place, ask in enumerate((one, other, one, other))
        ]
        for place, export in enumerate(begun):
            found = await until((other, one)[place % 2], export["id"], over)
            assert (found["status"], found["attempt"], found["rows"]) == ("done", 1, 10 + place)


async def test_an_export_that_another_process_holds_is_left_alone(
    store: RunningStore, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    async with serving(store, folder, begin=False) as ask:
        begun = await ask.post(ASK, {**ALL, "limit": 1}, status=202)
    held = ExportFolder(folder).claim(begun["id"])
    assert held is not None
    async with serving(store, folder) as ask:
        later = await ask.post(ASK, {**ALL, "limit": 1}, status=202)
        await until(ask, later["id"], over)  # so there was time to take the other
        assert (await ask.get(f"/v1/exports/{begun['id']}"))["status"] == "queued"
        os.close(held)
        assert (await until(ask, begun["id"], over))["status"] == "done"


async def test_it_is_kept_for_a_while(store: RunningStore, tmp_path: Path) -> None:
    async with serving(store, tmp_path / "exports", keep_seconds=1.0) as ask:
        begun = await ask.post(ASK, {**ALL, "limit": 1}, status=202)
        async with asyncio.timeout(120):
            while (await ask.get("/v1/exports"))["exports"]:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.1)
        await ask.get(f"/v1/exports/{begun['id']}", status=404)


async def test_a_failure_is_reported_and_nothing_is_left(
    store: RunningStore, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    async with serving(store, folder, rows=100) as ask:
        begun = await ask.post(ASK, ALL, status=202)
        failed = await until(ask, begun["id"], over)
        assert (failed["status"], failed["error"]["reason"]) == ("failed", "too_much")
        assert "100" in failed["error"]["message"]
        await ask.get(f"/v1/exports/{begun['id']}/file", status=404)
    assert not list(folder.glob("*/attempt-*"))
    assert not list(folder.glob("*/file"))


async def test_a_store_that_is_away_is_waited_for(store: RunningStore, tmp_path: Path) -> None:
    """Queued while it was there; then begun by a process that looks for it elsewhere."""
    folder = tmp_path / "exports"
    async with serving(store, folder, begin=False) as ask:
        begun = await ask.post(ASK, {**ALL, "limit": 2}, status=202)
    away = RunningStore(f"http://127.0.0.1:{free_port()}", store.process)
    async with serving(away, folder) as ask:
        again = await until(ask, begun["id"], lambda found: found["attempt"] >= 2)
        assert again["status"] == "running"
    async with serving(store, folder) as ask:
        done = await until(ask, begun["id"], over)
        assert (done["status"], done["rows"]) == ("done", 2)


async def test_a_record_says_nothing_of_secrets(store: RunningStore, tmp_path: Path) -> None:
    async with serving(store, tmp_path / "exports", begin=False) as ask:
        begun = await ask.post(ASK, ALL, status=202)
    kept = (tmp_path / "exports" / begun["id"] / "export.json").read_bytes()
    assert SECRETS["acme"].encode() not in kept
    assert msgspec.json.decode(kept, type=ExportRecord).org == "acme"
