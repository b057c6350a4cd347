"""`seamark connect`: a page for each language, with this stack's addresses put in.

The key is not printed unless asked for: a shell reads it from the file it stands in.
"""

from pathlib import Path, PurePath
from shlex import quote
from typing import Final

from seamark.sender.target import Target

_TEMPLATES: Final = Path(__file__).with_name("snippets")
LANGUAGES: Final = tuple(sorted(path.stem for path in _TEMPLATES.glob("*.md")))
DEFAULT: Final = Target(
    ingest="http://127.0.0.1:4318",
    grpc="http://127.0.0.1:4317",
    api="http://127.0.0.1:4320",
    file=Path(".seamark/credentials.json"),
    app="demo",
    org="demo",
    key="",
    token="",
)
"""As the pages in `docs/send` have it."""
_HIDDEN: Final = "<ingest_key>"


def page(
    language: str, target: Target, *, service: str, show_key: bool = False, grpc: bool = False
) -> str:
    """Markdown. `language` is one of LANGUAGES."""
    text = (_TEMPLATES / f"{language}.md").read_text()
    values = {
        "environment": "\n".join(
            environment(target, service=service, show_key=show_key, grpc=grpc)
        ),
        "ingest": target.ingest,
        "app": target.app,
        "key": target.key if show_key else _HIDDEN,
    }
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


def environment(
    target: Target, *, service: str, show_key: bool = False, grpc: bool = False
) -> list[str]:
    """Lines for a POSIX shell: the variables that every OpenTelemetry SDK reads."""
    key = quote(target.key) if show_key else _read(target.file)
    lines = [
        f"export SEAMARK_INGEST_KEY={key}",
        f"export OTEL_EXPORTER_OTLP_ENDPOINT={quote(target.grpc if grpc else target.ingest)}",
        f"export OTEL_EXPORTER_OTLP_PROTOCOL={'grpc' if grpc else 'http/protobuf'}",
        'export OTEL_EXPORTER_OTLP_HEADERS="x-api-key=$SEAMARK_INGEST_KEY"',
        f"export OTEL_SERVICE_NAME={quote(service)}",
    ]
    if target.ca:
        lines.append(f"export OTEL_EXPORTER_OTLP_CERTIFICATE={quote(target.ca)}")
    return lines


def _read(file: PurePath) -> str:
    """A shell's word that is the key in a credentials file."""
    pattern = r's/.*"ingest_key": *"\([^"]*\)".*/\1/p'
    return f"$(sed -n '{pattern}' {quote(str(file))})"
