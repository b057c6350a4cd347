"""What `seamark up` shows: a line per part and the addresses on a terminal, one line elsewhere."""

import contextlib
import time
from collections.abc import Mapping
from typing import Final, TextIO

from seamark.standalone.folder import Folder
from seamark.standalone.look import page, write_look
from seamark.standalone.parts import Choices
from seamark.standalone.public_addresses import PublicAddresses
from seamark.standalone.status import variables
from seamark.standalone.supervisor import Report

_GREEN: Final = "\x1b[32m"
_DIM: Final = "\x1b[2m"
_BOLD: Final = "\x1b[1m"
_PLAIN: Final = "\x1b[0m"


class Terminal:
    """Writes to `out`; what people only want at a keyboard is left out when it is no terminal."""

    def __init__(self, choices: Choices, addresses: PublicAddresses, out: TextIO) -> None:
        self._choices = choices
        self._addresses = addresses
        self._out = out
        self._talkative = out.isatty()
        self._began = time.monotonic()

    def report(self) -> Report:
        """The ends the supervisor speaks into."""
        return Report(ready=self._ready, up=self._up, say=self.say)

    def say(self, sentence: str) -> None:
        """Print a sentence. A terminal that has gone away is not the stack's trouble."""
        with contextlib.suppress(OSError):
            self._out.write(sentence + "\n")
            self._out.flush()

    def _ready(self, name: str, address: str, seconds: float) -> None:
        if self._talkative:
            self.say(
                f"  {_GREEN}✓{_PLAIN} {name:<13}{seconds:5.1f} s  {_DIM}{address}{_PLAIN}".rstrip()
            )

    def _up(self) -> None:
        seconds = time.monotonic() - self._began
        choices, credentials = self._choices, self._choices.folder.read_credentials()
        with contextlib.suppress(OSError):
            write_look(choices.folder, api=self._addresses.api, credentials=credentials)
        for line in summary(
            choices.folder,
            self._addresses,
            credentials,
            seconds=seconds,
            talkative=self._talkative,
        ):
            self.say(line)


def summary(
    folder: Folder,
    addresses: PublicAddresses,
    credentials: Mapping[str, str],
    *,
    seconds: float,
    talkative: bool,
) -> list[str]:
    """The lines that end a start. Pure.

    The ingest key is shown at a keyboard only: it is the one secret that web pages carry anyway.
    """
    ingest, api = addresses.ingest, addresses.api
    if not talkative:
        where = f"ingest {ingest}, API {api} (to look: {api}/look), data in {folder.path}"
        return [f"seamark is up: {where}"]
    hello = (
        f'{{"appId":"{credentials["app"]}","events":[{{"name":"hello","ts":\'$(date +%s000)\'}}]}}'
    )
    return [
        "",
        f"{_BOLD}Seamark is up{_PLAIN} after {seconds:.1f} s.",
        f"  send to      {ingest}  (OTLP/gRPC: {addresses.ingest_grpc})",
        f"  ask          {api}  (gRPC: {addresses.api_grpc})",
        f"  look         {api}/look  (or open {page(folder)}, which knows the token)",
        *(f"  {line}" for line in variables(addresses, folder.credentials)),
        f"  logs         {folder.logs}",
        "",
        "Try it:",
        f"  curl {ingest}/v1/ingest/batch -H 'X-API-Key: {credentials['ingest_key']}' \\",
        "    -H 'Content-Type: application/json' \\",
        f"    -d '{hello}'",
        "",
        "Ctrl-C stops it; `seamark status` tells how it is.",
    ]
