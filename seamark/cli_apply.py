"""`seamark apply`. As in `seamark.cli`, nothing is imported before it is needed."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

FAILED: Final = 1
USAGE: Final = 2


def register(app: typer.Typer) -> None:
    """Add the command to `seamark`."""
    app.command()(apply)


def apply(
    file: Annotated[
        Path, typer.Option("--file", "-f", metavar="FILE", help="Orgs and apps, in YAML.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every difference, change nothing.")
    ] = False,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Delete the orgs and apps that the file does not name."),
    ] = False,
    secrets: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where keys of new apps go (JSON, mode 0600)."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder of a running stack.")
    ] = None,
) -> None:
    """Make orgs, apps and their settings what a file declares. Twice changes nothing.

    What the file leaves out stays as it is. The token is SEAMARK_ADMIN_TOKEN, or the operator's of
    the stack in DIR. Exit code 1: refused or failed; 2: the file or the options are wrong.
    """
    from seamark.administration import access
    from seamark.administration.apply import do, finish, there
    from seamark.administration.client import AdminClient, Refused, Unreachable
    from seamark.administration.plan import difference, plan
    from seamark.administration.secrets_file import SecretsFile
    from seamark.administration.wanted import WrongFile, read_wanted

    try:
        wanted = read_wanted(file)
    except WrongFile as error:
        _fail(str(error), USAGE)
    client = AdminClient(access.find(data, os.environ))
    kept = SecretsFile(secrets.absolute()) if secrets else None
    try:
        orgs, apps = there(client)
        steps = plan(wanted, orgs=orgs, apps=apps, prune=prune)
        print(difference(steps))
        if dry_run:
            return
        if kept is None and any(step.doing == "create" and step.app for step in steps):
            _fail(
                "new apps get keys, which are shown once: say --secrets FILE, where they are kept "
                "with mode 0600, outside of what is checked in",
                USAGE,
            )
        if kept is not None:
            finish(client, wanted, steps, kept, print)
        do(client, steps, secrets=kept, say=print)
    except (Refused, Unreachable) as error:
        _fail(str(error), FAILED)
    if kept is not None and kept.path.exists():
        print(f"keys: {kept.path}")


def _fail(message: str, code: int) -> NoReturn:
    print(f"seamark apply: {message}", file=sys.stderr)
    raise typer.Exit(code)
