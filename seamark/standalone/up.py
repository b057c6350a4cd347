"""`seamark up`: everything on this machine, from one command. The edge around the supervisor."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Final, TextIO

from seamark.service.settings import SettingsError
from seamark.standalone import configurations, programs
from seamark.standalone.folder import write
from seamark.standalone.parts import Choices, StackPart, overridden, plan
from seamark.standalone.ports import busy
from seamark.standalone.public_addresses import PublicAddresses, public_addresses
from seamark.standalone.supervisor import Supervisor
from seamark.standalone.terminal import Terminal

_LOCK_PATIENCE_SECONDS: Final = 1.0
_PORT_PATIENCE_SECONDS: Final = 4.0


def up(choices: Choices, *, environ: Mapping[str, str], out: TextIO) -> int:
    """Run the stack until SIGTERM, SIGINT or SIGHUP; returns the exit code.

    0 = stopped as asked, 1 = a part does not start, 2 = its configuration forbids it (both are
    told on `out`). Blocks; to be called on the main thread. Raises SettingsError, with one
    sentence for the person, when something has to be changed before anything is started.
    """
    programs.require_engine()
    if choices.demo:
        programs.require_demo()
    choices.folder.create()
    lock = choices.folder.lock(
        host=choices.host,
        port_offset=choices.ports.offset,
        patience_seconds=_LOCK_PATIENCE_SECONDS,
    )
    try:
        addresses = public_addresses(choices.host, choices.ports, environ)
        terminal = Terminal(choices, addresses, out)
        for name in overridden(choices, environ):
            terminal.say(f"{name} is not heeded: seamark up decides it")
        if lost := choices.folder.check_credentials():
            terminal.say(lost)
        stages = _prepare(choices, addresses, environ)
        return asyncio.run(_run(choices, stages, terminal))
    finally:
        os.close(lock)


def _prepare(
    choices: Choices, addresses: PublicAddresses, environ: Mapping[str, str]
) -> list[list[StackPart]]:
    """All that can be wrong is found here; the servers' configuration files are written."""
    folder, ports = choices.folder, choices.ports
    secrets = folder.secrets()
    stages = plan(choices, secrets, addresses, parent_pid=os.getpid(), environ=environ)
    # What a supervisor leaves only when it was killed: its children may be dying just now.
    patience = _PORT_PATIENCE_SECONDS if folder.state.exists() else 0.0
    if problem := busy(ports, choices.host, patience_seconds=patience):
        raise SettingsError(problem)
    write(
        folder.part("nats") / "nats.conf",
        configurations.nats(
            ports,
            store=folder.part("nats"),
            password=secrets.nats,
            log_bytes=folder.log_bytes(),
        ),
    )
    write(
        folder.part("redis") / "redis.conf",
        configurations.redis(ports, folder=folder.part("redis"), password=secrets.redis),
    )
    return stages


async def _run(choices: Choices, stages: Sequence[Sequence[StackPart]], terminal: Terminal) -> int:
    stop, hurry = asyncio.Event(), asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            hurry.set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, asked)
    supervisor = Supervisor(stages, folder=choices.folder, report=terminal.report())
    return await supervisor.run(stop, hurry)
