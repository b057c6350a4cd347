"""Redaction of one text, against an oracle that knows what was planted."""

import json
import string
from itertools import pairwise
from typing import Any, Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.admission.redaction.detectors import PATTERNS
from collector.admission.redaction.keys import KeyMatcher
from collector.admission.redaction.rules import REDACTED, Redactor
from collector.admission.redaction.text import redacted
from seamark.wire.privacy import DETECTORS, Action, Redaction, RedactionRule
from tests.support.planted_secrets import (
    SPELLINGS,
    Planted,
    holds,
    luhn_completed,
    planted_secrets,
)

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
SALT: Final = "5a" * 16


def redactor_of(*rules: RedactionRule) -> Redactor:
    return Redactor(Redaction(rules=rules), salt=SALT)


def everything(action: Action, *, keep: int = 4) -> Redactor:
    return redactor_of(
        RedactionRule(name="all", action=action, detect=DETECTORS, keep=keep),
        RedactionRule(name="secret", action="mask", keys=("password", "*.secret")),
    )


REDACTORS: Final = {action: everything(action) for action in ACTIONS}
PLANTED: Final = list(planted_secrets(seed=11))
_PLAIN: Final = st.text(alphabet="abcdefg XYZ,;!?äß€ \n", max_size=30)
_PIECES: Final = st.one_of(
    st.sampled_from([secret.text for secret in PLANTED]),
    _PLAIN,
    st.text(alphabet=string.printable, max_size=12),
    st.sampled_from(["4111 ", "1111", "@", ".", "%40", "password=hunter2", "[email]", "…", " "]),
)
_MIXED: Final = st.lists(_PIECES, max_size=6).map("".join)


@pytest.mark.parametrize("action", ACTIONS)
def test_no_planted_secret_can_be_read_in_what_is_left(action: Action) -> None:
    left = [
        (secret, made)
        for secret in PLANTED
        if (made := redacted(REDACTORS[action], secret.text)) is not None and holds(made, secret)
    ]
    assert left == []
    assert len(PLANTED) >= 200


@given(st.sampled_from(PLANTED), _PLAIN, _PLAIN, st.sampled_from(ACTIONS))
def test_a_secret_is_found_whatever_stands_around_it(
    secret: Planted, before: str, after: str, action: Action
) -> None:
    made = redacted(REDACTORS[action], f"{before} {secret.text} {after}")
    assert made is None or not holds(made, secret)


_KEYED: Final = "keyed8fk2"
_SCALAR: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [1, None, "x", 'a "quoted" {text}', "\\", {}, []]
)
_SECRETS: Final = st.sampled_from(
    [{"password": value} for value in (_KEYED, f"a {_KEYED}", [_KEYED])]
)
_DOCUMENT: Final = st.recursive(
    st.one_of(_SCALAR, _SECRETS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b c", 'k"']), inner, max_size=3),
        inner.map(json.dumps),
    ),
    max_leaves=6,
)


@given(_DOCUMENT, st.floats(min_value=0, max_value=1), _PLAIN, _PLAIN, st.sampled_from(ACTIONS))
def test_a_value_is_found_by_its_key_in_json_that_is_nested_or_cut_off(
    document: object, kept: float, before: str, after: str, action: Action
) -> None:
    written = json.dumps(document)
    cut = written[: len(written) - int(kept * len(written) * 0.5)]
    rule = RedactionRule(name="r", action=action, keys=("pass*",), keep=2)
    for text in (f"{before}{written}{after}", f"{before}{cut}"):
        made = redacted(redactor_of(rule), text)
        assert made is None or "ed8fk2" not in made


@given(_MIXED, st.sampled_from(ACTIONS))
def test_redaction_is_idempotent(text: str, action: Action) -> None:
    made = redacted(REDACTORS[action], text)
    if made is not None:
        assert redacted(REDACTORS[action], made) == made


@given(_MIXED)
def test_a_text_that_the_search_passes_over_is_not_changed(text: str) -> None:
    redactor = REDACTORS["mask"]
    if not redactor.may_touch(text.encode()):
        assert redacted(redactor, text) is text


@given(st.text(alphabet=st.characters(exclude_characters="@%\\=", exclude_categories=["Nd", "Cs"])))
def test_text_without_digits_and_marks_is_the_same_object(text: str) -> None:
    """No detector finds anything without a digit or an @, nor is there another spelling."""
    made = redacted(everything_but_words(), text)
    assert made == text


def everything_but_words() -> Redactor:
    names = tuple(name for name in DETECTORS if name not in ("jwt", "bearer"))
    return redactor_of(RedactionRule(name="all", action="mask", detect=names))


@given(_PLAIN, _PLAIN)
def test_what_stands_around_a_match_is_left_as_it_is(before: str, after: str) -> None:
    made = redacted(REDACTORS["mask"], f"{before} ada@example.com {after}")
    assert made == f"{before} [email] {after}"


@given(st.integers(min_value=10**11, max_value=10**20))
def test_a_number_is_a_card_where_its_issuer_and_its_check_digit_say_so(number: int) -> None:
    text = str(number)
    two = int(text[:2])
    expected = (
        13 <= len(text) <= 19
        and luhn_completed(text[:-1]) == text
        and (text[0] in "456" or 30 <= two <= 39 or 22 <= two <= 27)
        and len(set(text)) > 1
    )
    padded = f"\n{text}\n".encode()
    assert bool(list(PATTERNS["card"].find(padded))) is expected


def _matches(pattern: str, text: str) -> bool:
    """A glob, letter by letter."""
    reachable = {0}
    for char in text:
        following = set()
        for at in _closed(pattern, reachable):
            if at < len(pattern):
                if pattern[at] == "*":
                    following.add(at)
                elif pattern[at] in ("?", char):
                    following.add(at + 1)
        reachable = following
    return len(pattern) in _closed(pattern, reachable)


def _closed(pattern: str, places: set[int]) -> set[int]:
    closed = set(places)
    for place in sorted(places):
        stars = len(pattern[place:]) - len(pattern[place:].lstrip("*"))
        closed.update(range(place, place + stars + 1))
    return closed


_GLOB: Final = st.text(alphabet="ab.*?[(\\", min_size=1, max_size=8)


@given(_GLOB, st.text(alphabet="ab.[(\\\n", min_size=1, max_size=8))
def test_patterns_of_keys_are_globs(pattern: str, key: str) -> None:
    assert KeyMatcher([pattern]).matches(key, key) is _matches(pattern, key)


@settings(max_examples=30)
@given(st.sampled_from(["4111 1111 1111 1112 ", "1.2.3.999 ", "12:34:56:78 ", "XX00AAAABBBBCCCC "]))
def test_a_text_crowded_with_false_candidates_is_masked_as_a_whole(piece: str) -> None:
    assert redacted(REDACTORS["mask"], piece * 5_000) == REDACTED


def test_spellings_are_told_apart() -> None:
    texts = [secret.text for secret in PLANTED]
    assert len(set(texts)) == len(texts)
    assert len(SPELLINGS) * 36 == len(PLANTED)
    assert all(holds(secret.text, secret) for secret in PLANTED)
    assert all(one.needle != other.needle for one, other in pairwise(PLANTED))
