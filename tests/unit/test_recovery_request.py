"""What the options of the recovery commands mean, and what they refuse."""

from datetime import UTC, datetime, timedelta

import pytest

from seamark.recovery.archive import Footer, in_range, replaced
from seamark.recovery.progress import RecoveryProgress, size, span
from seamark.recovery.request import chosen, parse_time
from seamark.recovery.stack import RecoveryError
from seamark.recovery.verify import range_of
from seamark.wire.signals import Signal

NOW = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("90m", NOW - timedelta(minutes=90)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-22T03:00:00Z", datetime(2026, 11, 22, 3, tzinfo=UTC)),
        ("2026-11-22T03:00", datetime(2026, 11, 22, 3, tzinfo=UTC)),
        ("2026-11-22T03:00:00+01:00", datetime(2026, 11, 22, 2, tzinfo=UTC)),
    ],
)
def test_times(text: str, expected: datetime) -> None:
    assert parse_time(text, NOW) == expected


def test_what_is_no_time_is_named() -> None:
    with pytest.raises(RecoveryError, match="'yesterday' is no time"):
        parse_time("yesterday", NOW)


def test_a_request() -> None:
    request = chosen("2026-11-22T03:00Z", "", "", "", now=NOW)
    assert request.end == NOW
    assert request.signals == tuple(Signal)
    assert request.hours[1] - request.hours[0] == 10


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("", "now", "", ""), "--from is missing"),
        (("1h", "now", "", "event"), "--signal 'event'"),
        (("1h", "2h", "", ""), "is not before"),
    ],
)
def test_a_wrong_request_is_answered_with_a_reason(
    options: tuple[str, str, str, str], words: str
) -> None:
    with pytest.raises(RecoveryError, match=words):
        chosen(*options, now=NOW)


def test_the_archive_goes_into_fresh_tables_by_whole_files_only() -> None:
    whole = chosen("2026-11-22T03:00Z", "2026-11-22T05:00Z", "", "", now=NOW)
    whole.require_whole_files()
    with pytest.raises(RecoveryError, match="not a whole hour"):
        chosen("1h", "now", "", "", now=NOW).require_whole_files()
    with pytest.raises(RecoveryError, match="holds all apps"):
        chosen("2026-11-22T03:00Z", "2026-11-22T05:00Z", "a", "", now=NOW).require_whole_files()


def test_a_range_older_than_raw_retention_would_double_rollups() -> None:
    chosen("28d", "now", "", "", now=NOW).require_retained(NOW)
    with pytest.raises(RecoveryError, match=r"rollups.* would be doubled"):
        chosen("31d", "now", "", "", now=NOW).require_retained(NOW)


def test_the_range_of_a_verification() -> None:
    whole = range_of(None, None, "", NOW)
    assert whole.begin == datetime(2026, 10, 24, tzinfo=UTC)
    assert whole.end == datetime(2026, 11, 22, 12, 33, tzinfo=UTC)
    with pytest.raises(RecoveryError, match="nothing between"):
        range_of(NOW, NOW - timedelta(hours=2), "", NOW)


@pytest.mark.parametrize(
    ("end", "counted"),
    [
        pytest.param(NOW, datetime(2026, 11, 22, 12, 35, tzinfo=UTC), id="now"),
        pytest.param(
            NOW + timedelta(days=2), datetime(2026, 11, 22, 12, 35, tzinfo=UTC), id="later"
        ),
        pytest.param(
            NOW - timedelta(seconds=1), datetime(2026, 11, 22, 12, 33, tzinfo=UTC), id="1 s"
        ),
        pytest.param(
            NOW - timedelta(minutes=2), datetime(2026, 11, 22, 12, 32, tzinfo=UTC), id="2 m"
        ),
    ],
)
def test_a_verification_leaves_out_what_has_not_settled(end: datetime, counted: datetime) -> None:
    assert range_of(None, end, "", NOW).end == counted


def test_files_that_others_replaced_are_not_live() -> None:
    def footer(*replaces: str) -> Footer:
        return Footer("", 0, 0, 1, 0, 0, replaces, ())

    # "a" and "b" became "m", "m" and "c" became "n"; "a" has been deleted, the others not yet.
    found = {"b": footer(), "c": footer(), "m": footer("a", "b"), "n": footer("m", "c")}
    assert {path for path in found if path not in replaced(found)} == {"n"}


def test_files_of_a_range() -> None:
    def path(signal: str, hour: int) -> str:
        return f"signal={signal}/year=2026/month=11/day=22/hour={hour:02}/part-x.parquet"

    first = int(datetime(2026, 11, 22, 3, tzinfo=UTC).timestamp()) // 3600
    paths = [path("events", 5), path("events", 4), path("logs", 3), path("events", 3)]
    assert in_range(paths, ["events"], first, first + 2) == [path("events", 3), path("events", 4)]


def test_sizes_and_durations() -> None:
    assert [size(n) for n in (7, 1500, 2_500_000_000)] == ["7 B", "1.5 KB", "2.5 GB"]
    assert [span(n) for n in (3.14, 245, 7800)] == ["3.1 s", "4 min 05 s", "2 h 10 min"]


def test_progress_shows_how_far_and_how_long() -> None:
    progress = RecoveryProgress("replaying", "rows", 1000, done=250)
    assert progress.line().startswith("replaying: 250 rows of 1,000 (25 %)")
    assert "left" in progress.line()
