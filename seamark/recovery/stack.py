"""Where the log, the store and the archive are that a command is about.

With `--data DIR`: those of the one-machine stack that runs in the folder; ports and passwords are
read from it. Without, the SEAMARK_LOG_*, SEAMARK_STORE_* and SEAMARK_ARCHIVE_* variables, as every
process of a cluster has them. Nothing secret is ever an argument.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from seamark.service.connections import LogSettings, StoreSettings
from seamark.service.settings import SettingsError, load
from seamark.standalone.folder import Folder
from seamark.standalone.parts import Choices, wiring
from seamark.standalone.ports import Ports

_T = TypeVar("_T")
DEFAULT_DATA: Final = Path(".seamark")


class RecoveryError(Exception):
    """Why a command cannot do what it was asked for, and what would help; for a person."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What a command works on. `folder` is None for a cluster.

    `environ` holds every SEAMARK_* variable that its processes would have.
    """

    log: LogSettings
    store: StoreSettings
    folder: Folder | None
    environ: Mapping[str, str]


def find(data: Path | None, environ: Mapping[str, str]) -> Stack:
    """The stack meant by `--data` or by the environment. Raises RecoveryError, SettingsError."""
    if data is None and "SEAMARK_STORE_URL" in environ:
        return _stack(environ, None)
    folder = Folder((data or DEFAULT_DATA).absolute())
    holder = folder.holder()
    if holder is None:
        raise RecoveryError(
            f"nothing runs in {folder.path}: start it with `seamark up --data {folder.path}`, "
            "or set SEAMARK_LOG_URL and SEAMARK_STORE_URL for a cluster"
        )
    choices = Choices(folder, host=holder.host, ports=Ports(holder.port_offset))
    wired = wiring(choices, folder.secrets(), environ=environ)
    ours = {name: value for part in wired.values() for name, value in part.items()}
    ours |= wired["provisioning"]  # the owner of the store, not one of the other roles
    return _stack({**environ, **ours}, folder)


def _stack(environ: Mapping[str, str], folder: Folder | None) -> Stack:
    problems: list[str] = []
    log = _load(LogSettings, "SEAMARK_LOG", environ, problems)
    store = _load(StoreSettings, "SEAMARK_STORE", environ, problems)
    if problems:
        raise SettingsError("; ".join(problems))
    return Stack(log, store, folder, environ)


def _load(cls: type[_T], prefix: str, environ: Mapping[str, str], problems: list[str]) -> _T:
    try:
        return load(cls, prefix=prefix, environ=environ)
    except SettingsError as error:
        problems.append(str(error))
        return cls()
