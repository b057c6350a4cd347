"""Settings: one frozen dataclass per service, one environment variable per field.

    @dataclass(frozen=True, slots=True)
    class LogSettings:
        url: str = setting("nats://127.0.0.1:4222", text="Where the log listens.")

    settings = load(LogSettings, prefix="SEAMARK_LOG", environ=os.environ)   # SEAMARK_LOG_URL

All that is wrong is reported at once. `describe` lists the same table for `docs/settings.md`, which
a test holds true; secrets are masked wherever settings are shown. A secret may also stand in a file
that <NAME>_FILE names: what is in the environment can be read in more places than a file of 0600.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


class SettingsError(Exception):
    """Every wrong setting of a service, one sentence each, in `problems`."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Described:
    """One row of the settings table."""

    name: str
    default: str
    unit: str
    text: str


def setting(
    default: Any,
    *,
    text: str,
    unit: str = "",
    secret: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of a settings dataclass; its type (str, int, float, bool) decides how it is read."""
    return dataclasses.field(
        default=default,
        metadata={
            "text": text,
            "unit": unit,
            "secret": secret,
            "minimum": minimum,
            "maximum": maximum,
            "choices": choices,
        },
    )


def with_default(cls: type, name: str, default: Any) -> Any:
    """The setting `name` of `cls` with another default, for a dataclass that inherits from it."""
    [found] = [field for field in dataclasses.fields(cls) if field.name == name]
    return dataclasses.field(default=default, metadata=found.metadata)


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """What every process can be told."""

    log_level: str = setting(
        "info", text="Least severe log line.", choices=("debug", "info", "warning", "error")
    )


@dataclass(frozen=True, slots=True)
class ServerSettings(ProcessSettings):
    """What a process that serves clients, over TLS or not, can be told."""

    tls_cert: str = setting("", text="Certificate file (PEM, with chain); empty for no TLS.")
    tls_key: str = setting("", text="Private key file (PEM) of the certificate.")


def load(cls: type[T], *, prefix: str, environ: Mapping[str, str]) -> T:
    """Read `cls` from `environ`, and secrets also from the files that it names.

    Raises SettingsError naming every value that is of the wrong type or out of range, and every
    file that cannot be read.
    """
    settings, problems = read(cls, prefix=prefix, environ=environ)
    if problems:
        raise SettingsError(*problems)
    return settings


def read(cls: type[T], *, prefix: str, environ: Mapping[str, str]) -> tuple[T, list[str]]:
    """As `load`, and what is wrong; what is wrong has its default in the settings."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # cls is a dataclass by contract
        name = f"{prefix}_{field.name}".upper()
        try:
            text = _given(name, environ, secret=field.metadata["secret"])
            if text is not None:
                values[field.name] = _read(text, hints[field.name], field.metadata)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    return cls(**values), problems


def _given(name: str, environ: Mapping[str, str], *, secret: bool) -> str | None:
    """What `environ` says of a variable, by itself or by a secret's file; None: nothing."""
    path = environ.get(f"{name}_FILE") if secret else None
    if not path:
        return environ.get(name)
    if environ.get(name):
        raise ValueError(f"{name}_FILE is set as well; keep one of the two")
    try:
        return Path(path).read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file of {name}_FILE, {path}, cannot be read: {error}") from None


def _read(text: str, kind: type, metadata: Mapping[str, Any]) -> Any:
    if kind is bool:
        lowered = text.strip().lower()
        if lowered not in _TRUE | _FALSE:
            raise ValueError(f"{text!r} is not one of true, false")
        return lowered in _TRUE
    if kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a number") from None
        low, high = metadata["minimum"], metadata["maximum"]
        if low is not None and value < low:
            raise ValueError(f"{value} is below the minimum of {low}")
        if high is not None and value > high:
            raise ValueError(f"{value} is above the maximum of {high}")
        return value
    if metadata["choices"] and text not in metadata["choices"]:
        raise ValueError(f"{text!r} is not one of {', '.join(metadata['choices'])}")
    return text


def describe(cls: type, *, prefix: str) -> list[Described]:
    """The settings of `cls` as rows: name, default, unit, text."""
    return [
        Described(
            name=f"{prefix}_{field.name}".upper(),
            default="(secret)" if field.metadata["secret"] else str(field.default),
            unit=field.metadata["unit"],
            text=field.metadata["text"],
        )
        for field in dataclasses.fields(cls)
    ]


_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")


def masked(settings: object) -> dict[str, object]:
    """Field values fit for a log line: secrets and the passwords in URLs are replaced."""
    shown: dict[str, object] = {}
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]  # a dataclass by contract
        value = getattr(settings, field.name)
        if field.metadata["secret"]:
            value = "***" if value else ""
        elif isinstance(value, str):
            value = _IN_URL.sub("***@", value)
        shown[field.name] = value
    return shown
