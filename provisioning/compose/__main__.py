"""`python -m provisioning.compose`: passwords, certificates and folders of the compose stack.

The first service of `docker compose up`; the others start when it has ended well. Everything is
made once and kept in volumes; each run writes anew what is derived, renews certificates that end
soon, and changes no password. It talks to nobody.
"""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

from provisioning.compose.certificates import authority, certify
from provisioning.compose.layout import FOLDERS, LISTENERS, SERVICES
from provisioning.compose.secret_files import NAMES, FileAccess, files
from provisioning.compose.server_files import SERVER_FILES
from provisioning.credentials import read_or_create
from provisioning.own_metrics import read_or_create_key
from seamark.service.settings import SettingsError

_PRIVATE = 0o600
_PRIVATE_FOLDER = 0o700


def prepare(root: Path) -> None:
    """Put everything in place below `root` (in the container: `/`). Idempotent.

    Raises OSError, SettingsError (a file is not what this wrote) and what openssl fails with.
    """
    own = _folder(root / "secrets" / "init")
    passwords = _passwords(own / "passwords.json")
    access = FileAccess(
        passwords,
        read_or_create(own / "credentials.json"),
        read_or_create_key(own / "own-metrics.key"),
    )
    ca = authority(own).read_text()
    made = files(access)
    for service in SERVICES:
        folder = _folder(root / "secrets" / service)
        texts = {name: path.read_text() for name, path in SERVER_FILES.get(service, {}).items()}
        for name, text in {"ca.pem": ca, **texts, **made.get(service, {})}.items():
            _write(folder / name, text)
        if service in LISTENERS:
            certify(service, folder=folder, by=own)
    for volume, names in FOLDERS.items():
        for name in names:
            _folder(root / "volumes" / volume / name)


def _passwords(path: Path) -> dict[str, str]:
    """The passwords in `path`; those that are missing there are made and kept."""
    try:
        found: dict[str, str] = json.loads(path.read_bytes())
    except FileNotFoundError:
        found = {}
    except ValueError as error:
        raise SettingsError(f"{path} is not readable: {error}") from error
    missing = {name: secrets.token_urlsafe(24) for name in NAMES if name not in found}
    if missing:
        found |= missing
        _write(path, json.dumps(found, indent=2) + "\n")
    return found


def _folder(path: Path) -> Path:
    path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    return path


def _write(path: Path, text: str) -> None:
    """Whole or not at all, for the owner alone."""
    partial = path.with_name(path.name + ".partial")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def main() -> int:
    """Prepare the container's volumes; the exit code."""
    try:
        prepare(Path("/"))
    except (OSError, SettingsError) as error:
        print(f"compose: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode(errors="replace").strip()
        print(f"compose: {' '.join(error.cmd[:2])}: {words}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
