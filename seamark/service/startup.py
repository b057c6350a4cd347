"""What a process reads before it starts: everything that is wrong with it at once, exit code 2.

startup = Startup("api", environ=os.environ)
settings = startup.load(ApiSettings, prefix="SEAMARK_API")
tls = startup.check(lambda: server_context(settings.tls_cert, settings.tls_key, prefix=...))
if startup.problems:
    return startup.refuse()
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from seamark.service import logs
from seamark.service.settings import SettingsError, read
from seamark.service.tls import check_ca

_T = TypeVar("_T")
EXIT_SETTINGS: Final = 2


class Startup:
    """The settings of one process. What was loaded is of no use when there are `problems`."""

    def __init__(self, process: str, *, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._process = process
        self._environ = environ

    def load(self, cls: type[_T], *, prefix: str) -> _T:
        """Settings from the environment, with defaults for wrong ones. Checks the CA file."""
        settings, problems = read(cls, prefix=prefix, environ=self._environ)
        self.problems += problems
        if ca := getattr(settings, "tls_ca", ""):
            self.check(lambda: check_ca(ca, name=f"{prefix}_TLS_CA"))
        return settings

    def check(self, action: Callable[[], _T]) -> _T | None:
        """The result of `action`; None when it raises SettingsError."""
        try:
            return action()
        except SettingsError as error:
            self.problems += error.problems
            return None

    def refuse(self) -> int:
        """Log every problem in one line; returns the exit code."""
        logs.configure(self._process)
        logging.getLogger(self._process).critical(
            "wrong settings", extra={"error": "; ".join(self.problems)}
        )
        return EXIT_SETTINGS
