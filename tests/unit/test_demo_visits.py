"""The shop's visits: the same for the same seed, within the limits, and like a shop's."""

import itertools
import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from seamark.demo import catalogue
from seamark.demo.play import LONGEST_VISIT_MS, MEAN_EVENTS
from seamark.demo.visits import ShopEvent, Visit, make_visit
from seamark.wire import limits


def events_of(visits: list[Visit]) -> list[ShopEvent]:
    return [event for visit in visits for page in visit.pages for event in page.events]


MANY = [make_visit(7, number, position=number / 3_000) for number in range(3_000)]


@given(seed=st.integers(), number=st.integers(0, 10**9), position=st.floats(0, 1))
def test_a_visit_is_the_same_every_time_and_within_the_limits(
    seed: int, number: int, position: float
) -> None:
    visit = make_visit(seed, number, position=position)
    assert visit == make_visit(seed, number, position=position)
    assert 0 < visit.length_ms < LONGEST_VISIT_MS
    assert max(len(visit.session), len(visit.user)) <= limits.IDENTIFIER_CHARS
    for page in visit.pages:
        assert len(page.events) <= limits.EVENTS_PER_BATCH
        for event in page.events:
            assert event.offset_ms <= page.until_ms
            assert re.match(limits.NAME_PATTERN, event.name)
            assert len(event.attrs) <= limits.ATTRIBUTES
            assert all(len(str(v)) <= limits.ATTRIBUTE_VALUE_BYTES for v in event.attrs.values())


def test_another_seed_is_another_shop() -> None:
    assert [make_visit(1, n) for n in range(5)] != [make_visit(2, n) for n in range(5)]


def test_sums_of_values_are_exact_in_any_order() -> None:
    """Every value is a multiple of 1/1024, so a double adds them without rounding."""
    values = [event.value for event in events_of(MANY) if event.value is not None]
    assert all((value * 1024).is_integer() for value in values)
    assert sum(values) == sum(reversed(values)) == sum(sorted(values))


def test_the_funnel_leaks_at_every_step() -> None:
    counts = Counter(
        name
        for visit in MANY
        for name in {event.name for page in visit.pages for event in page.events}
    )
    steps = [len(MANY), *(counts[name] for name in catalogue.FUNNEL)]
    assert all(after < 0.85 * before for before, after in itertools.pairwise(steps))
    assert steps[-1] > 50


def test_the_newest_release_breaks_the_checkout_and_slows_the_product_page() -> None:
    events = events_of(MANY)
    broken = Counter(e.attrs["release"] for e in events if e.name == catalogue.EXCEPTION)
    assert set(broken) == {catalogue.NEWEST}

    def mean_lcp(newest: bool) -> float:
        values = [
            event.value or 0.0
            for event in events
            if event.name == "web_vital.lcp"
            and event.attrs["page"] == "/product"
            and (event.attrs["release"] == catalogue.NEWEST) is newest
        ]
        return sum(values) / len(values)

    assert mean_lcp(newest=True) > 2 * mean_lcp(newest=False)


def test_releases_follow_one_another() -> None:
    early = Counter(visit.release for visit in MANY[:600])
    late = Counter(visit.release for visit in MANY[-600:])
    assert early[catalogue.NEWEST] == 0
    assert late[catalogue.NEWEST] > 0.8 * 600


def test_people_come_back_with_the_same_browser_from_the_same_country() -> None:
    people: dict[str, set[tuple[str, str]]] = {}
    for visit in MANY:
        people.setdefault(visit.user, set()).add((visit.country, visit.browser.agent))
    assert len(people) < 0.85 * len(MANY)
    assert all(len(kinds) == 1 for kinds in people.values())


def test_the_mean_visit_is_as_long_as_the_rate_assumes() -> None:
    mean = sum(visit.events for visit in MANY) / len(MANY)
    assert abs(mean - MEAN_EVENTS) < 0.1 * MEAN_EVENTS


def test_what_happens_on_a_page_happens_in_order() -> None:
    before = {
        catalogue.ADD_TO_CART: catalogue.VIEW_ITEM,
        catalogue.EXCEPTION: catalogue.BEGIN_CHECKOUT,
        catalogue.SEARCH_RESULTS: catalogue.FEATURE_CLICK,
        catalogue.PURCHASE: catalogue.FEATURE_CLICK,
    }
    seen = 0
    for number in range(400):
        for page in make_visit(3, number).pages:
            at: dict[str, int] = {}
            for event in page.events:
                at.setdefault(event.name, event.offset_ms)
            assert [e.offset_ms for e in page.events] == sorted(e.offset_ms for e in page.events)
            for later, earlier in before.items():
                if later in at and earlier in at:
                    seen += 1
                    assert at[earlier] <= at[later], (number, page.path)
    assert seen > 50
