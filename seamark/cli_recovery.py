"""The commands for when something was lost, or might be: verify, replay, repair, backup, restore.

As in `seamark.cli`, nothing is imported before it is needed.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

_T = TypeVar("_T")
FAILED: Final = 2
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of a running one-machine stack; default .seamark, or the cluster of the "
        "SEAMARK_* environment when SEAMARK_STORE_URL is set.",
        show_default=False,
    ),
]

From = Annotated[
    str,
    typer.Option(
        "--from", metavar="T", help="Begin, by receipt: 2026-11-22T03:00:00Z, or 24h (ago)."
    ),
]
To = Annotated[str, typer.Option("--to", metavar="T", help="End, in the same forms; default now.")]
AppName = Annotated[str, typer.Option("--app", metavar="A", help="One app; default all.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `seamark`."""
    app.command()(verify)
    app.command()(replay)
    app.command()(repair)
    app.command()(backup)
    app.command()(restore)


def verify(
    begin: From = "",
    end: To = "",
    app: AppName = "",
    json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read the archive's files too: rows and checksums.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option("--wait", metavar="SECONDS", help="How long the sinks may take to catch up."),
    ] = 120.0,
    data: Data = None,
) -> None:
    """Count everything in every place it is kept, hour by hour, and name what differs.

    Exit code 0: all agrees; 1: something differs, or is damaged; 2: it cannot be told yet;
    3: it could not be counted.
    """
    from datetime import UTC, datetime

    from seamark.recovery import verdict
    from seamark.recovery.request import parse_time
    from seamark.recovery.stack import find
    from seamark.recovery.verify import range_of, verify

    async def work() -> Any:
        now = datetime.now(UTC)
        first = parse_time(begin, now) if begin else None
        last = parse_time(end, now) if end else None
        within = range_of(first, last, app, now)
        return await verify(find(data, os.environ), within, deep=deep, wait_seconds=wait)

    account = run_command(work, failed=verdict.NOT_COUNTED)
    print(verdict.as_json(account) if json else verdict.table(account))
    raise typer.Exit(verdict.code(account))


def replay(
    begin: From = "",
    end: To = "",
    app: AppName = "",
    signal: Annotated[
        str, typer.Option(metavar="S", help="events, traces, metrics or logs; default all.")
    ] = "",
    source: Annotated[str, typer.Option(help="log or archive.")] = "",
    into: Annotated[
        str,
        typer.Option(help="live: add what is missing, by receipt. fresh: fill empty tables."),
    ] = "",
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the whole store anew: archive, then log.")
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="With --rebuild: delete what the store holds first.")
    ] = False,
    data: Data = None,
) -> None:
    """Bring back what the store lacks, from the log or from the archive. Twice changes nothing.

    Killed in the middle, say the same again. Exit code 1: something was left to you, by name.
    """
    from datetime import UTC, datetime

    from seamark.recovery.rebuild import rebuild as rebuild_store
    from seamark.recovery.replay import fresh, live
    from seamark.recovery.request import chosen
    from seamark.recovery.stack import RecoveryError, find

    async def work() -> Any:
        stack = find(data, os.environ)
        if rebuild:
            if begin or end or app or signal or source or into:
                raise RecoveryError("--rebuild takes everything: it goes with --drop only")
            return await rebuild_store(stack, drop=drop)
        if drop:
            raise RecoveryError("--drop goes with --rebuild only")
        request = chosen(begin, end, app, signal, now=datetime.now(UTC))
        if (source, into) == ("archive", "fresh"):
            return await fresh(stack, request)
        if source in ("archive", "log") and into == "live":
            return await live(stack, request, source=source)
        raise RecoveryError(
            f"--source {source or '?'} --into {into or '?'}: say --source archive --into fresh, "
            "--source archive --into live, or --source log --into live"
        )

    done = run_command(work)
    if isinstance(done, int):
        print(f"{done:,} rows" if done else "nothing to do: all of it is there")
        return
    what = "rows" if source == "archive" else "requests"
    print(f"{done.found:,} {what} compared, {done.added:,} were missing and are there now")
    for line in done.left:
        print(f"left as it is: {line}")
    if done.left:
        raise typer.Exit(1)


def repair(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be filled in, and change nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
    data: Data = None,
) -> None:
    """Fill in the rows that the store has lost, exactly, from the log or the archive.

    Exit code 0: nothing is lost any more; 1: something cannot be filled in, by name.
    """
    from seamark.recovery import repaired
    from seamark.recovery.repair import repair
    from seamark.recovery.stack import find

    async def work() -> Any:
        return await repair(find(data, os.environ), dry_run=dry_run)

    done = run_command(work)
    print(repaired.as_json(done) if json else repaired.text(done))
    if done.left:
        raise typer.Exit(1)


def backup(
    to: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of backups; each makes a new folder in it.")
    ],
    data: Data = None,
    full: Annotated[
        bool, typer.Option("--full", help="Copy all, not only what the last backup lacks.")
    ] = False,
) -> None:
    """Copy store, positions and configuration; ingest goes on meanwhile."""
    from seamark.recovery.backup import backup
    from seamark.recovery.progress import size, span
    from seamark.recovery.stack import find

    snapshot, manifest = run_command(lambda: backup(find(data, os.environ), Path(to), full=full))
    on = f" on top of {manifest.base}" if manifest.base else ""
    print(
        f"{snapshot.path}: {sum(manifest.rows.values()):,} rows, {size(manifest.bytes)}{on}, "
        f"in {span(manifest.seconds)}; the sinks were paused for {span(manifest.paused_seconds)}"
    )


def restore(
    given: Annotated[
        Path, typer.Option("--from", metavar="DIR", help="A backup, or a folder of them: the last.")
    ],
    data: Annotated[
        Path, typer.Option("--data", metavar="NEWDIR", help="Folder to restore into; stopped.")
    ],
    without_log: Annotated[
        bool,
        typer.Option("--without-log", help="The old log is lost: begin with a new, empty one."),
    ] = False,
) -> None:
    """Make a data folder from a backup; then `seamark up --data NEWDIR`.

    What survives of the old folder is moved into NEWDIR first: nats (the log), spool, archive.
    """
    from seamark.recovery.progress import span
    from seamark.recovery.restore import restore

    done = run_command(lambda: restore(given, data.absolute(), without_log=without_log))
    for note in done.notes:
        print(f"note: {note}")
    print(
        f"{data}: {done.rows:,} rows of {done.snapshot.path} in {span(done.seconds)}; "
        f"now `seamark up --data {data}`"
    )


def run_command(work: Any, *, failed: int = FAILED) -> Any:
    """Carry out what a command does; what a person has to know goes to stderr, exit code 2."""
    from seamark.recovery.stack import RecoveryError

    try:
        return asyncio.run(work())
    except RecoveryError as error:
        print(f"seamark: {error}", file=sys.stderr)
        raise typer.Exit(failed) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
