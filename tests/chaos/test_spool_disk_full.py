"""A full disk under the log: refused, never lost; and all goes on by itself once there is room.

nats-server stops writing to a stream that met a full disk, until it is started again; the
supervisor does that. The collector's spool is on the same small disk.
"""

import asyncio
import os
from pathlib import Path

import pytest

from seamark.standalone import programs
from seamark.standalone.folder import Folder
from seamark.standalone.parts import LOOPBACK, StackPart
from seamark.standalone.probes import froze_on_full_disk, http
from seamark.standalone.supervisor import Report, Supervisor
from tests.chaos.disk import Disk
from tests.support.collector_process import Answered, CollectorProcess, batch, messages, prepare
from tests.support.servers import NatsServer
from tests.support.until import until

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
MIB = 1024 * 1024
DISK_BYTES = 96 * MIB


class SupervisedNats(NatsServer):
    """nats-server as the one-machine stack keeps it, on a disk of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.said: list[str] = []
        self.stop_asked, self.ready = asyncio.Event(), asyncio.Event()
        command = (programs.nats_server(), "-c", str(self._config))
        part = StackPart(
            "nats",
            command,
            lambda: os.environ,
            self.url,
            http(LOOPBACK, self.monitor_port, "/healthz"),
            stuck=froze_on_full_disk(self.monitor_port, folder),
        )
        report = Report(ready=lambda *_: self.ready.set(), up=lambda: None, say=self.said.append)
        state = Folder(folder.parent.parent / "supervisor")
        state.create()
        self.supervisor = Supervisor([[part]], folder=state, report=report)


@pytest.mark.parametrize("keep_bytes", [0, 4 * MIB], ids=["unforeseen", "shed"])
async def test_it_recovers_by_itself(disk: Disk, tmp_path: Path, keep_bytes: int) -> None:
    log = SupervisedNats(disk.path / "nats")
    running = asyncio.create_task(log.supervisor.run(log.stop_asked, asyncio.Event()))
    await asyncio.wait_for(log.ready.wait(), 20)
    await asyncio.to_thread(prepare, log)
    collector = CollectorProcess(
        log,
        tmp_path,
        spool_path=disk.path / "spool",
        spool_after_seconds=0.3,
        disk_path=disk.path / "nats",
        disk_keep_bytes=keep_bytes,
    )
    answers: list[Answered] = []
    attrs = {f"a{n}": os.urandom(1500).hex() for n in range(20)}

    def send() -> int:
        answers.append(collector.send(batch({"ts": 1, "name": "page_view", "attrs": attrs})))
        return answers[-1].status

    try:
        await asyncio.to_thread(collector.start)
        for _ in range(20):
            assert await asyncio.to_thread(send) == 202
        disk.fill(leave_bytes=keep_bytes * 3 // 4)
        await asyncio.to_thread(until, lambda: send() == 503)
        if not keep_bytes:
            await asyncio.to_thread(until, lambda: send() == 503 and not asked(log), seconds=20)
        disk.free()
        await asyncio.to_thread(until, lambda: send() == 202)
        await asyncio.to_thread(
            until, lambda: asked(log) and collector.get("/v1/healthz").json["degraded"] == []
        )
        assert await asyncio.to_thread(send) == 202
        kept = await asyncio.to_thread(messages, log)
    finally:
        if collector.process is not None:
            await asyncio.to_thread(collector.stop)
        log.stop_asked.set()
        await running
    stored = [each.receipt for message in kept for each in message.envelopes]
    accepted = {answer.json["receiptId"] for answer in answers if answer.status == 202}
    refused = [answer for answer in answers if answer.status != 202]
    assert accepted <= set(stored), "answered with 202 and lost"
    assert len(stored) == len(set(stored)), "doubled"
    assert all(answer.headers["retry-after"] for answer in refused)
    if keep_bytes:
        assert log.said == []
    else:
        assert any("ending it" in text for text in log.said)


def asked(log: NatsServer) -> bool:
    """Whether the log says that it is well."""

    async def ask() -> bool:
        return await http(LOOPBACK, log.monitor_port, "/healthz")()

    return asyncio.run(ask())
