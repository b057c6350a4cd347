"""Redaction rules in an app's record: limits, what they do at ingest, what they count."""

import json
import math
import time
from typing import Any

import msgspec
import pytest

from collector import metrics
from collector.admission.redaction.dead_letters import redacted_dead_letter
from collector.admission.redaction.rules import REDACTED, UNTOUCHED, Redactor
from collector.admission.redaction.text import redacted
from collector.ingest.redactors import Redactors
from collector.receivers.otlp_check import examine
from collector.receivers.otlp_kinds import LOGS
from seamark.service.registry import AppRecord
from seamark.wire.failures import Rejected
from seamark.wire.privacy import DETECTORS, Redaction, RedactionRule
from seamark.wire.reasons import Reason
from tests.support.planted_secrets import luhn_completed

SALT = "5a" * 16
CARD = int(luhn_completed("411111111111111"))


def _read(redaction: object) -> Redaction:
    record = msgspec.json.encode({"org": "o", "app": "a", "redaction": redaction})
    return msgspec.json.decode(record, type=AppRecord).redaction


def _rule(**fields: Any) -> dict[str, Any]:
    return {"name": "r", "action": "mask", "detect": ["email"], **fields}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            [_rule(detect=["emails"])],
            "Invalid enum value 'emails' - at `$.redaction.rules[0].detect[0]`",
        ),
        ([_rule(action="erase")], "Invalid enum value 'erase' - at `$.redaction.rules[0].action`"),
        ([_rule(detect=[])], "rule 'r' has neither keys nor detect; say what it applies to"),
        ([_rule(keys=["x" * 129])], "length <= 128 - at `$.redaction.rules[0].keys[0]`"),
        ([_rule(keys=[""])], "length >= 1 - at `$.redaction.rules[0].keys[0]`"),
        ([_rule(keys=["a"] * 65)], "length <= 64 - at `$.redaction.rules[0].keys`"),
        ([_rule(keys=["*a" * 9])], "has 9 stars, the limit is 8; write several patterns"),
        ([_rule(keep=5000)], "<= 4096 - at `$.redaction.rules[0].keep`"),
        ([_rule(name="A b")], "regex"),
        ([_rule(name="user-id")], "'user-id' is a rule that every app has; choose another name"),
        ([_rule(), _rule()], "two rules are called 'r'; give each a name of its own"),
        ([_rule(name=f"r{n}") for n in range(33)], "length <= 32 - at `$.redaction.rules`"),
        ([_rule(pattern=".*")], "unknown field `pattern`"),
    ],
)
def test_a_wrong_rule_is_refused_by_name_value_and_limit(rules: object, said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        _read({"rules": rules})
    assert said in str(error.value)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "[" * 128, "*" * 8, "\\", "a|b", "(?P<", "^$", "ключ*", "\x00", "?" * 128]
)
def test_absurd_patterns_are_globs_like_any_other(pattern: str) -> None:
    rule = RedactionRule(name="r", action="mask", keys=(pattern,))
    redactor = Redactor(Redaction(rules=(rule,)), salt=SALT)
    literal = pattern.replace("*", "x").replace("?", "y")
    assert redactor.key_rule(literal) is not None
    redactor.key_rule("a" * 100_000)  # in time proportional to the key
    assert redactor.key_rule("zz") is not None or set(pattern) != {"*"}


@pytest.mark.parametrize("key", ["PassWord", "pass\u200bword", "ｐａｓｓｗｏｒｄ", "password"])
def test_keys_are_found_in_whatever_letters_they_are_written(key: str) -> None:
    rule = RedactionRule(name="r", action="mask", keys=("password",))
    redactor = Redactor(Redaction(rules=(rule,)), salt=SALT)
    body = LOGS.request(
        resource_logs=[
            {
                "scope_logs": [
                    {
                        "log_records": [
                            {"attributes": [{"key": key, "value": {"string_value": "hunter2"}}]}
                        ]
                    }
                ]
            }
        ]
    ).SerializeToString()
    assert b"hunter2" not in examine(LOGS, body, redactor=redactor).body


@pytest.mark.parametrize("value", [{"int_value": CARD}, {"double_value": float(CARD)}])
def test_numbers_that_are_card_numbers_are_text_to_the_rules(value: dict[str, Any]) -> None:
    rule = RedactionRule(name="r", action="mask", detect=("card",))
    redactor = Redactor(Redaction(rules=(rule,)), salt=SALT)
    record = {
        "body": {"array_value": {"values": [value]}},
        "attributes": [{"key": "k", "value": value}],
    }
    body = LOGS.request(
        resource_logs=[{"scope_logs": [{"log_records": [record]}]}]
    ).SerializeToString()
    stored = examine(LOGS, body, redactor=redactor).body
    assert stored.count(b"[card]") == 2
    assert redactor.taken_counts() == {"r": 2}


@pytest.mark.parametrize(
    ("action", "text", "left"),
    [
        ("mask", "to ada@example.com", "to [email]"),
        ("drop", "to ada@example.com", None),
        ("truncate", "to ada@example.com", "to ada…"),
        ("hash", "to ada@example.com", "to " + "0" * 32),
    ],
)
def test_an_action_is_done_to_what_a_detector_finds(
    action: Any, text: str, left: str | None
) -> None:
    rule = RedactionRule(name="r", action=action, detect=("email",), keep=3)
    made = redacted(Redactor(Redaction(rules=(rule,)), salt=SALT), text)
    if action == "hash":
        assert made is not None
        assert made[:3] == "to "
        assert len(made) == len(left or "")
    else:
        assert made == left


def test_a_pair_of_a_query_is_redacted_by_its_key() -> None:
    rule = RedactionRule(name="r", action="mask", keys=("token", "*.secret"))
    redactor = Redactor(Redaction(rules=(rule,)), salt=SALT)
    assert redacted(redactor, "/a?x=1&token=abc#top") == f"/a?x=1&token={REDACTED}#top"
    assert redacted(redactor, "/a?%74oken=abc&x=1") == f"/a?%74oken={REDACTED}&x=1"
    assert redacted(redactor, "/a?next=%2Fb%3Ftoken%3Dabc") == f"/a?next=/b?token={REDACTED}"
    assert redacted(redactor, '{"a":{"secret":[1,2]}}') == f'{{"a":{{"secret":"{REDACTED}"}}}}'
    assert redacted(redactor, '{"token":"a","token":"b"}') == f'{{"token":"{REDACTED}"}}'


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ('at {"token":"abc"}\n', 'at {"token":"[redacted]"}\n'),
        ('x {"a":{"secret":["b","c"]}} y', 'x {"a":{"secret":"[redacted]"}} y'),
        ('cut {"a":1,"token":"ab', 'cut {"a":1,"token":"[redacted]"'),
        ('cut {"a":{"secret":["b"', 'cut {"a":{"secret":[redacted]'),
        ('cut {"j":"{\\"token\\":\\"abc\\"', 'cut {"j":"{\\"token\\":\\"[redacted]\\""'),
        ('{"token":"a\\"b","x":1', '{"token":"[redacted]","x":1'),
        ('said "token": 123, ok', 'said "token": "[redacted]", ok'),
        ('{"' * 100 + '"token":"a"', REDACTED),
        ('{"token":"', '{"token":"'),
        ('{"other":"a"} token "x"', '{"other":"a"} token "x"'),
    ],
)
def test_members_of_json_in_a_text_are_redacted_by_their_key(sent: str, stored: str) -> None:
    rule = RedactionRule(name="r", action="mask", keys=("token", "*.secret"))
    redactor = Redactor(Redaction(rules=(rule,)), salt=SALT)
    assert redacted(redactor, sent) == stored
    assert redacted(redactor, stored) == stored


@pytest.mark.parametrize("piece", ['{"a":1}', '{"token":1}', "%41 ", "a=b&", "1.2.3.4 ", '"k":"'])
def test_the_time_that_a_text_takes_is_in_proportion_to_it(piece: str) -> None:
    """Eight times the text takes 64 times the time where each find looks at all that follows."""
    rules = (
        RedactionRule(name="k", action="mask", keys=("token",)),
        RedactionRule(name="d", action="mask", detect=DETECTORS),
    )
    redactor = Redactor(Redaction(rules=rules), salt=SALT)

    def spent(text: str) -> float:
        best = math.inf
        for _ in range(3):
            began = time.process_time()
            redacted(redactor, text)
            best = min(best, time.process_time() - began)
        return best

    text = piece * (8_000 // len(piece))
    assert spent(text * 8) < 32 * max(spent(text), 0.002)


@pytest.mark.parametrize("original", [b'"\\u0041"', b"17", b'["\\u0041"]', b'{"a":"\\u0041"}'])
def test_what_needs_no_change_of_a_rejected_item_is_kept_whatever_it_is(original: bytes) -> None:
    error = Rejected(Reason.INVALID_EVENT, "it is 'text'")
    for redactor in (Redactor(salt=SALT), UNTOUCHED):
        kept = redacted_dead_letter(redactor, 0, error, original=original, name="")
        assert (kept.original, kept.message) == (original, error.message)


def test_a_record_is_compiled_once_for_each_revision() -> None:
    redactors = Redactors()
    first = AppRecord(org="o", app="a")
    redactor = redactors.of(first, SALT)
    assert redactors.of(first, SALT) is redactor
    rules = Redaction(rules=(RedactionRule(name="r", action="mask", detect=("email",)),))
    changed = redactors.of(AppRecord(org="o", app="a", redaction=rules), SALT)
    assert changed.has_rules
    assert redactors.of(first, "other") is not redactor


def test_values_are_counted_by_rule_and_the_rules_that_are_counted_are_bounded() -> None:
    for number in range(1_200):
        metrics.redacted("o", "bounded", {f"r{number}": 1})
    found = [
        sample
        for family in metrics.families()
        if family.name == "seamark_collector_values_redacted"
        for sample in family.samples
    ]
    assert len(found) <= 1_001
    assert sum(sample.value for sample in found if sample.labels["org"] == "other") >= 200


def test_a_text_that_comes_again_becomes_the_same_and_is_counted_each_time() -> None:
    rules = [_rule(name="drop", action="drop", keys=["to"]), _rule()]
    redactor = Redactor(_read({"rules": rules}), salt=SALT)
    for _ in range(3):
        assert redacted(redactor, "ada@example.com", key="to", path="to") is None
        assert redacted(redactor, "ada@example.com", key="cc", path="cc") == "[email]"
        assert redacted(redactor, "nothing", key="cc", path="cc") == "nothing"
    assert redactor.taken_counts() == {"drop": 3, "r": 3}


def test_few_texts_are_remembered() -> None:
    redactor = Redactor(_read({"rules": [_rule()]}), salt=SALT)
    for number in range(5000):
        assert redacted(redactor, f"{number}@example.com") == "[email]"
        assert redacted(redactor, f"{number} {'x' * 300}") == f"{number} {'x' * 300}"
    assert len(redactor._texts) <= 2048
    assert max(len(text) for text, _, _ in redactor._texts) <= 256


def test_patterns_without_letters_to_look_for_make_every_body_be_walked() -> None:
    rule = RedactionRule(name="r", action="mask", keys=("a?b",))
    assert Redactor(Redaction(rules=(rule,)), salt=SALT).may_touch(b"nothing")
    assert json.loads(msgspec.json.encode(rule))["keys"] == ["a?b"]
