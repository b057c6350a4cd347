"""`seamark connect`, `doctor` and `alert`: what concerns a sender.

As in `seamark.cli`, nothing is imported before it is needed.
"""

import sys
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

import typer

FAILED: Final = 1
alert: Final = typer.Typer(help="Whether alerts arrive.", no_args_is_help=True)
Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of the stack.")]
CredentialsFile = Annotated[
    Path | None, typer.Option("--credentials", metavar="FILE", help="Instead of the folder's.")
]
Ingest = Annotated[str, typer.Option("--url", metavar="URL", help="Where the collector answers.")]
ApiUrl = Annotated[str, typer.Option("--api-url", metavar="URL", help="Where the API answers.")]
Ca = Annotated[
    Path | None, typer.Option("--ca", metavar="FILE", help="Certificates (PEM) to trust as well.")
]
_FOLDER: Final = Path(".seamark")


def register(parent: typer.Typer) -> None:
    """Add the commands to `seamark`."""
    parent.command()(connect)
    parent.command()(doctor)
    parent.add_typer(alert, name="alert")


def connect(
    language: Annotated[
        str,
        typer.Argument(
            metavar="LANGUAGE",
            help="browser, collector, curl, dotnet, go, java, node or python.",
        ),
    ],
    data: Data = _FOLDER,
    credentials: CredentialsFile = None,
    url: Ingest = "",
    ca: Ca = None,
    service: Annotated[str, typer.Option(metavar="NAME", help="Name of your service.")] = "hello",
    grpc: Annotated[bool, typer.Option("--grpc", help="Variables for OTLP over gRPC.")] = False,
    show_key: Annotated[
        bool, typer.Option("--show-key", help="Print the key; else a shell reads it from its file.")
    ] = False,
) -> None:
    """Print what to paste: variables and the smallest program that sends, for this stack."""
    from seamark.sender.connect import LANGUAGES, page
    from seamark.sender.target import Addresses, find

    if language not in LANGUAGES:
        _fail(f"{language}: there is {', '.join(LANGUAGES)}")
    target = find(data, credentials, Addresses(ingest=url), ca=str(ca.absolute()) if ca else "")
    print(page(language, target, service=service, show_key=show_key, grpc=grpc), end="")


def doctor(
    data: Data = _FOLDER,
    credentials: CredentialsFile = None,
    url: Ingest = "",
    grpc_url: Annotated[
        str, typer.Option(metavar="URL", help="Where the collector takes OTLP over gRPC.")
    ] = "",
    ca: Ca = None,
    origin: Annotated[
        str, typer.Option(metavar="URL", help="Whether a page of this origin may send.")
    ] = "",
) -> None:
    """Check a sender's side: reachability, clock, key, sizes, CORS, variables. Stores nothing.

    Exit code 1: something is in the way.
    """
    from seamark.sender import doctor as checks
    from seamark.sender.target import Addresses, find

    target = find(data, credentials, Addresses(ingest=url, grpc=grpc_url), ca=str(ca or ""))
    raise typer.Exit(checks.run(target, origin=origin, say=_print))


@alert.callback()
def _group() -> None:
    """Whether alerts arrive."""


@alert.command("test")
def alert_test(
    data: Data = _FOLDER,
    credentials: CredentialsFile = None,
    url: Ingest = "",
    api_url: ApiUrl = "",
    ca: Ca = None,
    severity: Annotated[
        str, typer.Option(metavar="warning|critical", help="Of the alert.")
    ] = "warning",
    grafana_url: Annotated[
        str, typer.Option(metavar="URL", help="Follow it in this Grafana too.")
    ] = "",
    grafana_token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds a service account's token.")
    ] = None,
) -> None:
    """Send one event whose alert goes the whole way, and tell how far it came.

    The rules seamark-alert-test-warning and -critical fire on it: collector, log, store, API, rule,
    policy, contact point. Exit code 1: it did not arrive.
    """
    from seamark.sender import alert_test as test
    from seamark.sender.target import Addresses, find

    if severity not in ("warning", "critical"):
        _fail(f"--severity {severity}: it is warning or critical")
    if bool(grafana_url) != bool(grafana_token_file):
        _fail("--grafana-url and --grafana-token-file go together")
    target = find(data, credentials, Addresses(url, "", api_url), ca=str(ca or ""))
    grafana = None
    if grafana_token_file is not None:
        try:
            token = grafana_token_file.read_text().strip()
        except OSError as error:
            _fail(f"{grafana_token_file}: {error.strerror}")
        grafana = test.GrafanaAccess(grafana_url, token, str(ca or ""))
    chosen: Literal["warning", "critical"] = "critical" if severity == "critical" else "warning"
    try:
        test.run(target, chosen, grafana, say=_print)
    except test.Failed as error:
        _fail(str(error))


def _print(line: str) -> None:
    print(line, flush=True)


def _fail(why: str) -> NoReturn:
    print(f"seamark: {why}", file=sys.stderr)
    raise typer.Exit(FAILED)
