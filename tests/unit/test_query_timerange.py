"""Times in questions: how they are read, and how buckets are chosen and placed."""

from datetime import UTC, datetime

import pytest

from api.query.buckets import buckets_of, choose_buckets, parse_step
from api.query.timerange import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    WEEK_MS,
    Granularity,
    TimeRange,
    parse_instant,
    parse_range,
)
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

NOW = 1_795_343_040_123  # 2026-11-22T10:24:00.123Z, a Sunday


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("now-1h", NOW - HOUR_MS),
        ("now-15m", NOW - 15 * MINUTE_MS),
        ("now-7d", NOW - WEEK_MS),
        ("now-2w", NOW - 2 * WEEK_MS),
        ("now+30s", NOW + 30_000),
        (1_795_343_040_123, NOW),
        (1_795_343_040_123.0, NOW),
        ("1795343040123", NOW),
        ("2026-11-22T10:24:00.123Z", at("2026-11-22T10:24:00.123")),
        ("2026-11-22T12:24:00+02:00", at("2026-11-22T10:24:00")),
        ("2026-11-22T10:24:00", at("2026-11-22T10:24:00")),
        ("2026-11-22", at("2026-11-22")),
    ],
)
def test_an_instant_is_read(text: str | int | float, expected: int) -> None:
    assert parse_instant(text, now_ms=NOW, field="from") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "now-1y",
        "now-",
        "now - 1h",
        "NaN",
        -1,
        1e300,
        "9" * 30,
        "now-999999999w",
        True,
    ],
)
def test_what_is_no_instant_is_refused_with_its_field(text: str | int | float) -> None:
    with pytest.raises(Rejected) as refused:
        parse_instant(text, now_ms=NOW, field="to")
    assert refused.value.reason is QuestionReason.INVALID_TIME
    assert refused.value.field == "to"


def test_an_empty_or_backward_range_is_refused() -> None:
    for from_, to in (("now", "now"), ("now", "now-1h")):
        with pytest.raises(Rejected, match="from must be before to"):
            parse_range(from_, to, now_ms=NOW)


def test_the_error_of_a_long_search_names_the_longest_range() -> None:
    with pytest.raises(Rejected, match=r"40\.0 days; this search takes at most 31 days") as refused:
        parse_range("now-40d", "now", now_ms=NOW, longest_ms=31 * DAY_MS)
    assert refused.value.reason is QuestionReason.TOO_MUCH


@pytest.mark.parametrize(
    ("length_ms", "expected"),
    [
        (HOUR_MS, "1m"),
        (300 * MINUTE_MS, "1m"),
        (301 * MINUTE_MS, "5m"),
        (24 * HOUR_MS, "5m"),
        (3 * DAY_MS, "15m"),
        (7 * DAY_MS, "1h"),
        (30 * DAY_MS, "6h"),
        (90 * DAY_MS, "1d"),
        (365 * DAY_MS, "1w"),
        (50 * 365 * DAY_MS, "9w"),
    ],
)
def test_granularity_is_chosen_for_about_300_buckets(length_ms: int, expected: str) -> None:
    asked = TimeRange(NOW - length_ms, NOW)
    for text in ("", "auto"):
        chosen = choose_buckets(
            text, asked, finest_ms=MINUTE_MS, auto_buckets=300, most_buckets=11_000
        )
        assert chosen.text == expected
        assert chosen.count <= 301  # both ends may cut a bucket


def test_granularity_is_at_least_what_is_kept() -> None:
    asked = TimeRange(NOW - HOUR_MS, NOW)
    chosen = choose_buckets("auto", asked, finest_ms=HOUR_MS, auto_buckets=300, most_buckets=11_000)
    assert chosen.text == "1h"
    with pytest.raises(Rejected, match="60m from 60m"):
        choose_buckets("5m", asked, finest_ms=HOUR_MS, auto_buckets=300, most_buckets=11_000)


@pytest.mark.parametrize(
    ("text", "length_ms", "written"),
    [
        ("1m", MINUTE_MS, "1m"),
        ("90s", 0, ""),
        ("120s", 2 * MINUTE_MS, "2m"),
        ("60m", HOUR_MS, "1h"),
        ("10m", 10 * MINUTE_MS, "10m"),
        ("6h", 6 * HOUR_MS, "6h"),
        ("1d", DAY_MS, "1d"),
        ("7d", WEEK_MS, "7d"),
        ("1w", WEEK_MS, "1w"),
        ("2w", 2 * WEEK_MS, "2w"),
        ("0m", 0, ""),
        ("1y", 0, ""),
        ("m", 0, ""),
        ("99999999w", 0, ""),
    ],
)
def test_granularity_as_written(text: str, length_ms: int, written: str) -> None:
    if not length_ms:
        with pytest.raises(Rejected) as refused:
            parse_step(text)
        assert refused.value.reason is QuestionReason.INVALID_GRANULARITY
    else:
        step = parse_step(text)
        assert (step.about_ms, step.text) == (length_ms, written)


def test_too_many_buckets_are_refused_naming_one_that_fits() -> None:
    asked = TimeRange(NOW - 30 * DAY_MS, NOW)
    with pytest.raises(Rejected, match="6h would do") as refused:
        choose_buckets("1m", asked, finest_ms=MINUTE_MS, auto_buckets=300, most_buckets=11_000)
    assert refused.value.reason is QuestionReason.TOO_MUCH


def test_buckets_are_whole_and_weeks_start_on_monday() -> None:
    week = buckets_of(parse_step("1w"), TimeRange(NOW, NOW + 1))
    start = datetime.fromtimestamp(week.starts_ms[0] / 1000, UTC)
    assert start.isoformat() == "2026-11-16T00:00:00+00:00"
    assert week.end_of(week.starts_ms[0]) == week.range.to_ms
    covered = Granularity(HOUR_MS).cover(TimeRange(at("2026-11-22T10:24"), at("2026-11-22T12:00")))
    assert covered == TimeRange(at("2026-11-22T10:00"), at("2026-11-22T12:00"))
    assert Granularity(HOUR_MS).cover(TimeRange(0, 1)) == TimeRange(0, HOUR_MS)
    assert buckets_of(parse_step("1w"), TimeRange(1, 2)).range.from_ms == 0
