"""`seamark grafana push`. As in `seamark.cli`, nothing is imported before it is needed.

Secrets come from files, stdin or the environment: what is in argv, every process can read.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

FAILED: Final = 1
TOKEN: Final = "SEAMARK_GRAFANA_TOKEN"  # noqa: S105  # a name
DATASOURCE_TOKEN: Final = "SEAMARK_GRAFANA_DATASOURCE_TOKEN"  # noqa: S105  # a name
DATASOURCE_URL: Final = "SEAMARK_GRAFANA_API_URL"
_OURS: Final = ("smk_", "smq_", "sma_", "smo_")

app: Final = typer.Typer(help="What Seamark puts into Grafana.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the commands to `seamark`."""
    parent.add_typer(app, name="grafana")


@app.callback()
def _group() -> None:
    """What Seamark puts into Grafana."""


@app.command()
def push(
    url: Annotated[str, typer.Option(metavar="URL", help="Where Grafana answers.")],
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"Holds a service account's token; or set {TOKEN}."),
    ] = None,
    token: Annotated[
        str, typer.Option(metavar="-|@FILE", help="The same: - reads stdin, @FILE a file.")
    ] = "",
    datasource_url: Annotated[
        str,
        typer.Option(
            metavar="URL", envvar=DATASOURCE_URL, help="Seamark's API, as Grafana reaches it."
        ),
    ] = "",
    datasource_token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=f"Holds the query token it asks with; or set {DATASOURCE_TOKEN}."
        ),
    ] = None,
    datasource: Annotated[
        str, typer.Option(metavar="UID", help="Use this datasource that is there, push none.")
    ] = "",
    folder: Annotated[
        str, typer.Option(metavar="TITLE", help="The dashboards' folder; default: Seamark.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every difference, change nothing.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also where people edited what a push had made.")
    ] = False,
    renew_secrets: Annotated[
        bool,
        typer.Option("--renew-secrets", help="Send secrets again: Grafana does not show old ones."),
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Certificates (PEM) to trust instead of the system's."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Do not check Grafana's certificate.")
    ] = False,
) -> None:
    """Put datasource, dashboards, alert rules and contact points into a running Grafana.

    Twice changes nothing; what is not ours is never touched, and notification policies neither.
    Contact points are those whose SEAMARK_ALERT_* variables are set. Exit code 0: done; 1: refused
    or failed; 2: --dry-run found differences.
    """
    import provisioning
    from grafana.push import environment

    if ca is not None and not ca.is_file():
        _fail(f"--ca {ca}: there is no such file")
    if insecure and ca is not None:
        _fail("--ca says what to trust and --insecure says to trust anything: say one of them")
    if datasource and (datasource_token_file or os.environ.get(DATASOURCE_TOKEN)):
        _fail("--datasource uses one as it is: it takes no --datasource-token-file")
    order = {
        "url": url,
        "files": str(Path(str(provisioning.__file__)).parent / "grafana"),
        "token": _token(token, token_file),
        "choices": {
            "folder": folder,
            "datasource": datasource,
            "datasource_url": "" if datasource else datasource_url.rstrip("/"),
            "datasource_token": _secret(datasource_token_file, DATASOURCE_TOKEN),
        },
        "dry_run": dry_run,
        "overwrite": overwrite,
        "renew_secrets": renew_secrets,
        "ca": str(ca.absolute()) if ca else "",
        "insecure": insecure,
    }
    try:
        python = environment.prepare(os.environ, say=lambda line: print(line, file=sys.stderr))
    except (environment.EnvironmentUnavailable, OSError) as error:
        _fail(str(error))
    try:
        raise typer.Exit(environment.run(python, order, os.environ))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _token(given: str, file: Path | None) -> str:
    """The service account's token, from wherever it may come."""
    if given and file:
        _fail("--token and --token-file: say one of them")
    if given == "-":
        found = sys.stdin.read().strip()
    elif given.startswith("@"):
        found = _read(Path(given[1:]))
    elif given:
        _fail(
            "--token takes no secret: every process of this machine can read it there, so make a "
            f"new one. Say --token-file FILE, --token - for stdin, or set {TOKEN}"
        )
    else:
        found = _secret(file, TOKEN)
    if not found:
        _fail(f"no token: say --token-file FILE, --token - for stdin, or set {TOKEN}")
    if found.startswith(_OURS):
        _fail(
            "that is a token of Seamark's, which Grafana asks Seamark with "
            f"({DATASOURCE_TOKEN}); a push needs one of a service account of Grafana's"
        )
    return found


def _secret(file: Path | None, variable: str) -> str:
    return _read(file) if file else os.environ.get(variable, "").strip()


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        _fail(f"{file}: {error}")


def _fail(why: str) -> NoReturn:
    print(f"seamark: {why}", file=sys.stderr)
    raise typer.Exit(FAILED)
