"""The `seamark` command. It only reads what was asked for; the work is done elsewhere.

Every command imports what it needs when it runs: `seamark --help` must not wait for a database.
"""

import importlib
import importlib.metadata
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from seamark import cli_admin, cli_apply, cli_deadletters, cli_grafana, cli_recovery, cli_sender
from seamark.service.settings import SettingsError

app: Final = typer.Typer(
    help="Telemetry whose numbers are exact: OpenTelemetry and native events in, Grafana out.",
    epilog="Begin with `seamark up --demo`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder that holds everything.")]
DEFAULT_DATA: Final = Path(".seamark")
NOT_READY: Final = 1
USAGE: Final = 2
NOT_RUNNING: Final = 3


def _show_version(wanted: bool) -> None:
    if wanted:
        print(importlib.metadata.version("seamark"))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version."),
    ] = False,
) -> None: ...


@app.command()
def up(
    data: Data = DEFAULT_DATA,
    host: Annotated[
        str, typer.Option(help="Address the collector and the API listen on.")
    ] = "127.0.0.1",
    port_offset: Annotated[
        int, typer.Option(metavar="N", help="Number added to every port.", min=0, max=57313)
    ] = 0,
    demo: Annotated[bool, typer.Option("--demo", help="Let a made-up shop send.")] = False,
    demo_rate: Annotated[
        float, typer.Option(metavar="R", help="Events a second of the demo; 0: its own.", min=0)
    ] = 0.0,
) -> None:
    """Start the whole stack on this machine and keep it running until Ctrl-C."""
    from seamark.standalone.folder import Folder
    from seamark.standalone.parts import Choices
    from seamark.standalone.ports import Ports
    from seamark.standalone.up import up

    choices = Choices(
        folder=Folder(data.absolute()),
        host=host,
        ports=Ports(port_offset),
        demo=demo or demo_rate > 0,
        demo_rate=demo_rate,
    )
    raise typer.Exit(up(choices, environ=os.environ, out=sys.stdout))


@app.command()
def status(
    data: Data = DEFAULT_DATA,
    json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
) -> None:
    """Tell how each part is. Exit code 1: not all ready; 3: not running."""
    from seamark.standalone.folder import Folder
    from seamark.standalone.status import as_json, senders, status, table

    rows = status(Folder(data.absolute()))
    if rows is None:
        print("[]" if json else f"nothing runs in {data}")
        raise typer.Exit(NOT_RUNNING)
    print(as_json(rows) if json else table(rows, now=time.time()))
    if not json and (variables := senders(Folder(data.absolute()))):
        print(f"\n{variables}")
    if not rows or not all(row.ready for row in rows):
        raise typer.Exit(NOT_READY)


@app.command()
def stop(data: Data = DEFAULT_DATA) -> None:
    """Stop the stack that `seamark up` started, and wait until it has. Exit code 3: not running."""
    from seamark.standalone.folder import Folder
    from seamark.standalone.status import stop

    stopped = stop(Folder(data.absolute()))
    if stopped is None:
        print(f"nothing runs in {data}")
        raise typer.Exit(NOT_RUNNING)
    if not stopped:
        print("it has not stopped yet", file=sys.stderr)
        raise typer.Exit(NOT_READY)


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def demo(context: typer.Context) -> None:
    """Send what a made-up shop would send; `seamark demo --help` tells how."""
    run = importlib.import_module("seamark.demo.__main__").main
    raise typer.Exit(run(context.args))


@app.command()
def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/settings.md.")] = False,
) -> None:
    """List every setting of every service: name, default, unit and meaning."""
    from seamark.standalone import catalogue

    print(catalogue.markdown() if markdown else catalogue.plain(), end="" if markdown else "\n")


cli_recovery.register(app)
cli_grafana.register(app)
cli_admin.register(app)
cli_apply.register(app)
cli_sender.register(app)
app.add_typer(cli_deadletters.deadletters, name="deadletters")


def main() -> None:
    """Entry point of the `seamark` script."""
    try:
        app(prog_name="seamark")
    except SettingsError as error:
        print(f"seamark: {error}", file=sys.stderr)
        sys.exit(USAGE)
