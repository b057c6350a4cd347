"""Where the API is and the token to administer with: environment, or the folder of a stack.

A token is never an argument: what is in argv, every process of the machine can read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from seamark.service.settings import SettingsError
from seamark.standalone.folder import Folder
from seamark.standalone.status import running_addresses

URL: Final = "SEAMARK_ADMIN_URL"
TOKEN: Final = "SEAMARK_ADMIN_TOKEN"  # noqa: S105  # a name
TLS_CA: Final = "SEAMARK_ADMIN_TLS_CA"
DEFAULT_DATA: Final = Path(".seamark")


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """`url` without a trailing slash; `tls_ca` "": the system's."""

    url: str
    token: str = field(repr=False)
    tls_ca: str = ""


def find(data: Path | None, environ: Mapping[str, str]) -> AdminAccess:
    """The API meant by `--data` or by the environment. Raises SettingsError.

    The environment goes first; the folder of a running stack knows its address and the operator's
    token.
    """
    url, token = environ.get(URL, "").rstrip("/"), environ.get(TOKEN, "").strip()
    if not url or not token:
        folder = Folder((data or DEFAULT_DATA).absolute())
        url = url or _address(folder)
        token = token or _token(folder)
    return AdminAccess(url, token, environ.get(TLS_CA, ""))


def _address(folder: Folder) -> str:
    addresses = running_addresses(folder)
    if addresses is None:
        raise SettingsError(
            f"nothing runs in {folder.path}: start it with `seamark up --data {folder.path}`, or "
            f"set {URL} and {TOKEN} for an API elsewhere"
        )
    return addresses.api


def _token(folder: Folder) -> str:
    found = folder.read_credentials()
    token = found.get("operator_token") or found.get("admin_token")
    if not token:
        raise SettingsError(f"{folder.credentials} has no operator_token; set {TOKEN}")
    return token
