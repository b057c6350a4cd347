"""The dedup index of one stream, on disk: facts, and up to where they are complete.

A fact says that a key stood, for content of this digest, in the message of that sequence, stored at
that time. Facts never change and adding one again changes nothing, so a block may be looked up any
number of times, and an index that is ahead of the record answers like one that is not. An index
cannot know whether the log is still the one it was built from: `IndexProgress.last` and `last_ns`
name the last message it took, and `prepare.py` compares them with the log's.

Facts are in tables by generation, the older ones never written again; a generation whose last fact
has left the window is dropped as a whole. SQLite in WAL mode with synchronous = NORMAL: after a
power cut the file is whole and may lack its last blocks, which are read from the log again.

Measured before digests, with 30 million keys in the window, on a busy machine of two cores: a key
costs 12 µs of CPU in blocks of 2,000, 18 in blocks of 100, and 39 bytes on disk (a digest adds 9);
the process stays at its 24 MB.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from seamark.wire.frames import DUPLICATE_WINDOW_NS

_GENERATIONS: Final = 2
"""How many make a window. Each is one look-up more for every key; fewer are stored for longer."""
_FORMAT: Final = 2
_BUSY_SECONDS: Final = 10.0
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRAGMAS: Final = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "mmap_size = 0",
    "cache_size = -8192",  # KiB: what it costs in memory, however large the file
    "temp_store = MEMORY",
    "wal_autocheckpoint = 8000",
    "journal_size_limit = 67108864",
)
_SCHEMA: Final = (
    "CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), through INTEGER NOT NULL,"
    " since_ns INTEGER NOT NULL, last INTEGER NOT NULL, last_ns INTEGER NOT NULL)",
    "CREATE TABLE generations (id INTEGER PRIMARY KEY, first_ns INTEGER NOT NULL,"
    " last_ns INTEGER NOT NULL)",
)
_FACTS: Final = (
    "(key BLOB NOT NULL, digest BLOB NOT NULL, sequence INTEGER NOT NULL,"
    " stored_ns INTEGER NOT NULL, PRIMARY KEY (key, sequence, digest)) WITHOUT ROWID"
)

Fact = tuple[bytes, bytes, int, int]
"""Key (16 bytes), digest of its content, sequence and time (ns) of the message it stood in."""


class DedupIndexUnavailable(Exception):
    """The index cannot be read or written now, or has to be brought up to the log again."""


class IndexProgress(NamedTuple):
    """Complete for sequences up to `through` stored at `since_ns` or later.

    `last`, `last_ns`: sequence and time of the last message taken; 0 when there was none.
    """

    through: int
    since_ns: int
    last: int
    last_ns: int


class DedupIndex:
    """The index of one stream. Every method blocks, and may be called from any thread.

    All raise DedupIndexUnavailable.
    """

    def __init__(self, path: str, *, window_ns: int = DUPLICATE_WINDOW_NS) -> None:
        """`path` "": a file of SQLite's own, gone with the connection."""
        self._path = path
        self._window_ns = window_ns
        self._generation_ns = max(1, window_ns // _GENERATIONS)
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    @property
    def window_ns(self) -> int:
        """How far back a key is recognised."""
        return self._window_ns

    def progress(self) -> IndexProgress | None:
        """How far it is complete; None when it has never begun."""
        with self._transaction() as db:
            return _progress(db)

    def begin(self, progress: IndexProgress) -> None:
        """Forget everything, and go on from `progress`."""
        with self._transaction() as db:
            for (generation,) in db.execute("SELECT id FROM generations").fetchall():
                _drop(db, generation)
            _save(db, progress)

    def add(self, facts: Iterable[Fact], *, through: int, last: int, last_ns: int) -> None:
        """Take the facts of the messages after `IndexProgress.through` up to `through`."""
        with self._transaction() as db:
            before = _progress(db)
            if before is None:
                raise DedupIndexUnavailable("the index has not begun")
            self._take(db, facts)
            self._advance(db, before, through=through, last=last, last_ns=last_ns)

    def look_up(
        self, facts: Iterable[Fact], *, done: int, through: int, last: int, last_ns: int
    ) -> dict[bytes, dict[bytes, int]]:
        """Take the facts of block (done, through]; returns when each of its keys stood before.

        By key and digest that is the latest time of a message up to `done` in which they stood;
        keys that stood in none are absent. The same however often it is called.
        """
        with self._transaction() as db:
            before = _progress(db)
            if before is None or before.through < done:
                raise DedupIndexUnavailable(f"the index does not reach {done}")
            oldest_ns = self._take(db, facts) or last_ns
            earlier: dict[bytes, dict[bytes, int]] = {}
            horizon_ns = oldest_ns - self._window_ns
            for generation, _, newest_ns in _generations(db):
                if newest_ns < horizon_ns:
                    _drop(db, generation)
                    before = before._replace(since_ns=max(before.since_ns, newest_ns + 1))
                    continue
                query = (
                    "SELECT b.key, k.digest, k.stored_ns FROM block AS b CROSS JOIN"  # noqa: S608  # a number of ours
                    f" keys_{generation} AS k ON k.key = b.key WHERE k.sequence <= ?"
                )
                for key, digest, stored_ns in db.execute(query, (done,)):
                    times = earlier.setdefault(key, {})
                    times[digest] = max(stored_ns, times.get(digest, stored_ns))
            self._advance(db, before, through=through, last=last, last_ns=last_ns)
            return earlier

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            self._forget_connection()

    def _take(self, db: sqlite3.Connection, facts: Iterable[Fact]) -> int:
        """Put the facts into the block's table; returns the time of the oldest, 0 for none."""
        db.execute("DELETE FROM block")
        db.executemany("INSERT OR IGNORE INTO block VALUES (?, ?, ?, ?)", facts)
        ((oldest_ns,),) = db.execute("SELECT min(stored_ns) FROM block").fetchall()
        return oldest_ns or 0

    def _advance(
        self,
        db: sqlite3.Connection,
        before: IndexProgress,
        *,
        through: int,
        last: int,
        last_ns: int,
    ) -> None:
        """Move the block's facts into the newest generation, and the progress on."""
        ((oldest_ns, newest_ns),) = db.execute("SELECT min(stored_ns), max(stored_ns) FROM block")
        if oldest_ns is not None:
            generations = _generations(db)
            generation, first_ns, _ = generations[-1] if generations else (0, 0, 0)
            if not generations or oldest_ns - first_ns >= self._generation_ns:
                generation += 1
                db.execute(f"CREATE TABLE keys_{generation} {_FACTS}")
                row = (generation, oldest_ns, newest_ns)
                db.execute("INSERT INTO generations VALUES (?, ?, ?)", row)
            # In the order of the keys, so that each page is gone to once.
            db.execute(
                f"INSERT OR IGNORE INTO keys_{generation} SELECT * FROM block ORDER BY key"  # noqa: S608  # a number of ours
            )
            db.execute(
                "UPDATE generations SET last_ns = max(last_ns, ?) WHERE id = ?",
                (newest_ns, generation),
            )
        if through >= before.through:
            before = before._replace(through=through, last=last, last_ns=last_ns)
        _save(db, before)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing, one at a time, in this process and others."""
        with self._lock:
            try:
                db = self._open()
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                except BaseException:
                    if db.in_transaction:  # a full disk, for one, has ended it already
                        db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
            except sqlite3.Error as error:
                self._failed(error)
                raise DedupIndexUnavailable(f"{self._path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        if self._db is not None:
            return self._db
        db = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
        )
        self._db = db
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN IMMEDIATE")
        ((version,),) = db.execute("PRAGMA user_version")
        if version != _FORMAT:
            tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            for (name,) in tables:
                db.execute(f"DROP TABLE {name}")
            for statement in _SCHEMA:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {_FORMAT}")
        db.execute("COMMIT")
        db.execute(f"CREATE TEMP TABLE block {_FACTS}")
        return db

    def _failed(self, error: sqlite3.Error) -> None:
        """Delete a damaged file: it is built again from the log."""
        self._forget_connection()
        if self._path and getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def _forget_connection(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None


def _progress(db: sqlite3.Connection) -> IndexProgress | None:
    row = db.execute("SELECT through, since_ns, last, last_ns FROM progress").fetchone()
    return IndexProgress(*row) if row else None


def _save(db: sqlite3.Connection, progress: IndexProgress) -> None:
    db.execute("REPLACE INTO progress VALUES (1, ?, ?, ?, ?)", progress)


def _generations(db: sqlite3.Connection) -> list[tuple[int, int, int]]:
    """Id and the times of its first block and its newest fact, oldest generation first."""
    return db.execute("SELECT id, first_ns, last_ns FROM generations ORDER BY id").fetchall()


def _drop(db: sqlite3.Connection, generation: int) -> None:
    db.execute(f"DROP TABLE keys_{generation}")
    db.execute("DELETE FROM generations WHERE id = ?", (generation,))
