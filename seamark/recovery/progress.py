"""How far a long command is: one line, rewritten on a terminal, now and then elsewhere."""

import sys
import time
from dataclasses import dataclass, field
from typing import Final, TextIO

_TERMINAL_SECONDS: Final = 0.2
_FILE_SECONDS: Final = 10.0


def span(seconds: float) -> str:
    """A duration for people: 3.1 s, 4 min 05 s, 2 h 10 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


@dataclass(slots=True)
class RecoveryProgress:
    """Counts `unit`s towards a total (0: unknown) and says so on `out`."""

    what: str
    unit: str
    total: int = 0
    out: TextIO = field(default_factory=lambda: sys.stderr)
    done: int = 0
    _began: float = field(default_factory=time.monotonic)
    _said: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def add(self, count: int) -> None:
        """So many more are done."""
        self.done += count
        now = time.monotonic()
        terminal = self.out.isatty()
        if now - self._said >= (_TERMINAL_SECONDS if terminal else _FILE_SECONDS):
            self._said = now
            print(f"\r{self.line()}\033[K" if terminal else self.line(), end="", file=self.out)
            print("" if terminal else "\n", end="", file=self.out, flush=True)

    def line(self) -> str:
        """Where it stands: done, of how many, how fast, how long still."""
        rate = self.done / self.seconds if self.seconds > 0 else 0.0
        text = f"{self.what}: {self.done:,} {self.unit}"
        if self.total:
            text += f" of {self.total:,} ({100 * self.done / self.total:.0f} %)"
        text += f", {rate:,.0f}/s"
        if self.total and rate:
            text += f", {span(max(0, self.total - self.done) / rate)} left"
        return text

    def end(self) -> None:
        """Say the last word."""
        terminal = self.out.isatty()
        print(f"\r{self.line()}\033[K" if terminal else self.line(), file=self.out, flush=True)
