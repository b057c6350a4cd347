"""When a stream is reported as stalled, and when it stops instead of dead-lettering more."""

from hypothesis import given
from hypothesis import strategies as st

from processors.blocks.dead_letter_limit import DeadLetterLimits, DeadLetterQuota
from processors.blocks.stall import STALL_SECONDS, StallWatch

MINUTES = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 300), st.integers(0, 90)), max_size=40
)


def test_a_stream_that_moves_is_not_stalled() -> None:
    watch = StallWatch(age_seconds=1.0)
    assert not any(watch.observe(done=n, last=10**6, now=50.0 * n) for n in range(100))


def test_a_stream_without_lag_is_not_stalled_however_long_it_is_idle() -> None:
    watch = StallWatch(age_seconds=1.0)
    assert watch.observe(done=5, last=5, now=0.0) == ""
    assert watch.observe(done=5, last=5, now=10_000.0) == ""
    assert watch.observe(done=5, last=6, now=10_005.0) == ""


def test_a_stream_that_stands_still_for_a_minute_with_lag_is_stalled_until_it_moves() -> None:
    watch = StallWatch(age_seconds=1.0)
    assert watch.observe(done=5, last=8, now=100.0) == ""
    assert watch.observe(done=5, last=9, now=100.0 + STALL_SECONDS) == ""
    stalled = watch.observe(done=5, last=9, now=101.0 + STALL_SECONDS)
    assert stalled == "4 messages wait and none was written for 61 s"
    assert watch.observe(done=6, last=9, now=102.0 + STALL_SECONDS) == ""


@given(minutes=MINUTES, frames=st.integers(1, 50))
def test_the_limit_is_that_of_a_plain_count(
    minutes: list[tuple[int, int, int]], frames: int
) -> None:
    limits = DeadLetterLimits(share=0.05, per_minute=100)
    limiter = DeadLetterQuota(limits)
    events: list[tuple[int, int, int]] = []
    now = 0
    for messages, dead, later in minutes:
        now += later
        events.append((now, messages, dead))
        limiter.count(messages=messages, dead_letters=dead, now=now * 60.0 + 1)
    this_minute = sum(dead for at, _, dead in events if at == now) + frames
    hour = [event for event in events if event[0] > now - 60]
    dead = sum(event[2] for event in hour) + frames
    share = dead / (sum(event[1] for event in hour) + 1)
    exceeded = this_minute > 100 or (dead > 100 and share > 0.05)
    assert bool(limiter.problem(frames, now=now * 60.0 + 2)) == exceeded


def test_an_exceeded_limit_stays_so_until_the_sink_takes_what_it_refused() -> None:
    limiter = DeadLetterQuota(DeadLetterLimits(per_minute=2))
    assert limiter.problem(3, now=0.0)
    assert limiter.problem(1, now=3600.0)
    limiter.reset()
    assert limiter.problem(1, now=3600.0) == ""


def test_some_dead_letters_among_few_messages_are_no_reason_to_stop() -> None:
    limiter = DeadLetterQuota(DeadLetterLimits())
    for n in range(99):
        assert limiter.problem(1, now=60.0 * n) == ""
        limiter.count(messages=1, dead_letters=1, now=60.0 * n)
