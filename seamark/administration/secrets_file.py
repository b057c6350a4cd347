"""The file that holds the secrets that were made: JSON, mode 0600, whole or not at all.

Before a request that makes a secret its `Idempotency-Key` is written here, and the secret after it.
So a secret whose answer was lost, with the connection or with this process, is asked for again by
the next run; the API answers the same one for a day.
"""

import json
import uuid
from pathlib import Path
from typing import Any, Final

from seamark.service.settings import SettingsError
from seamark.standalone.folder import write

_PENDING: Final = "pending"


class SecretsFile:
    """`{"acme/shop": "smk_…"}` and, under `pending`, what was begun."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content: dict[str, Any] = self._read()

    @property
    def pending(self) -> dict[str, str]:
        """Name -> the Idempotency-Key of a request whose answer is not here."""
        found: dict[str, str] = self._content.get(_PENDING, {})
        return dict(found)

    def begin(self, name: str) -> str:
        """The Idempotency-Key for a secret: of a request that was begun, or a new one."""
        pending = self._content.setdefault(_PENDING, {})
        key: str = pending.setdefault(name, str(uuid.uuid4()))
        self._write()
        return key

    def end(self, name: str, secret: str | None) -> None:
        """Keep the secret, or (None) forget what was begun."""
        self._content.get(_PENDING, {}).pop(name, None)
        if not self._content.get(_PENDING, True):
            del self._content[_PENDING]
        if secret is not None:
            self._content[name] = secret
        self._write()

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SettingsError(f"{self.path} is not a file of secrets: {error}") from error
        if not isinstance(found, dict):
            raise SettingsError(f"{self.path} is not a file of secrets: it holds no JSON object")
        return found

    def _write(self) -> None:
        try:
            write(self.path, json.dumps(self._content, indent=2) + "\n")
        except OSError as error:
            raise SettingsError(f"{self.path} cannot be written: {error.strerror}") from error
