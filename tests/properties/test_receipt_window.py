"""The window over receipts is a function of the log, wherever a reader starts."""

from hypothesis import given
from hypothesis import strategies as st

from processors.blocks.window import ReceiptWindow
from seamark.wire.frames import Frame

WINDOW = 100
logs = st.lists(
    st.tuples(
        st.integers(0, 40),  # time since the message before
        st.lists(st.sampled_from(["", "a", "b", "c", "d"]), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=40,
)


def with_times(log: list[tuple[int, list[str]]]) -> list[tuple[int, list[Frame]]]:
    now, messages = 0, []
    for step, receipts in log:
        now += step
        messages.append((now, [Frame(1, receipt) for receipt in receipts]))
    return messages


def oracle(messages: list[tuple[int, list[Frame]]]) -> list[set[int]]:
    """The definition, word for word, in quadratic time."""
    answers, earlier = [], list[tuple[int, str]]()
    for time_ns, frames in messages:
        found = set()
        for index, frame in enumerate(frames):
            if frame.receipt and any(
                frame.receipt == receipt and time_ns - seen <= WINDOW for seen, receipt in earlier
            ):
                found.add(index)
            earlier.append((time_ns, frame.receipt))
        answers.append(found)
    return answers


@given(logs)
def test_it_finds_exactly_the_retries(log: list[tuple[int, list[str]]]) -> None:
    messages = with_times(log)
    window = ReceiptWindow(window_ns=WINDOW)
    assert [window.duplicates(at, frames) for at, frames in messages] == oracle(messages)


@given(logs, st.integers(0, 39))
def test_a_reader_that_starts_later_agrees(log: list[tuple[int, list[str]]], start: int) -> None:
    messages = with_times(log)
    start = min(start, len(messages) - 1)
    window = ReceiptWindow(window_ns=WINDOW)
    for at, frames in messages[:start]:
        if at >= messages[start][0] - WINDOW:
            window.duplicates(at, frames)
    later = [window.duplicates(at, frames) for at, frames in messages[start:]]
    assert later == oracle(messages)[start:]


@given(logs)
def test_it_forgets_what_is_older_than_the_window(log: list[tuple[int, list[str]]]) -> None:
    window = ReceiptWindow(window_ns=WINDOW)
    messages = with_times(log)
    for at, frames in messages:
        window.duplicates(at, frames)
    recent = {f.receipt for at, fs in messages for f in fs if at >= messages[-1][0] - WINDOW}
    assert len(window) == len(recent - {""})
