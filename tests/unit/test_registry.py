"""Records in memory: what is read, what raises the alarm, and what a name may be."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamark.service.health import Health
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord, Registry, TokenRecord
from seamark.service.registry.names import app_key, is_name, org_key, secret_key
from seamark.service.registry.records import UnreadableRecord, read_record, record_key
from seamark.service.registry.secrets import derived_secret, digest, new_secret

SHOP = AppRecord(org="acme", app="shop")
KEY = "app.acme.shop"


def encoded(**fields: object) -> bytes:
    return msgspec.json.encode({"org": "acme", "app": "shop", **fields})


def conditions(health: Health) -> list[str]:
    return [str(row["detail"]) for row in health.degraded()]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (KEY, b"{"),
        (KEY, b"\xff"),
        (KEY, b"[" * 100_000),
        (KEY, encoded(sampling_rate="half")),
        (KEY, encoded(sampling_rate=1.5)),
        (KEY, encoded(a_rule_of_tomorrow=True)),
        (KEY, encoded(app="blog")),
        (KEY, encoded(app="shop\n")),
        ("app.acme", encoded()),
        ("schema.acme.shop", encoded()),
        ("key.abc", b'{"key_id": "k", "org": "acme", "app": "shop", "digest": "abc"}'),
    ],
)
def test_an_unreadable_record_raises_the_alarm_and_names_its_key(key: str, value: bytes) -> None:
    health, told = Health(), list[int]()
    registry = Registry(health, unreadable=told.append)
    registry.apply(KEY, msgspec.json.encode(SHOP), revision=1)

    registry.apply(key, value, revision=2)

    assert registry.app("acme", "shop") == SHOP
    assert told == [1]
    [detail] = conditions(health)
    assert detail.startswith(f"{key}: ")


@pytest.mark.parametrize("mended", [encoded(), None])
def test_the_alarm_ends_when_the_record_is_mended_or_deleted(mended: bytes | None) -> None:
    health, told = Health(), list[int]()
    registry = Registry(health, unreadable=told.append)
    registry.apply(KEY, b"{", revision=1)

    registry.apply(KEY, mended, revision=2)

    assert told == [1, 0]
    assert not conditions(health)


def test_a_bucket_read_anew_forgets_what_is_no_longer_there() -> None:
    registry = Registry()
    registry.apply(KEY, encoded(), revision=1)
    registry.apply("org.acme", msgspec.json.encode(OrgRecord(org="acme")), revision=2)

    registry.loaded({"org.acme"}, revision=7)

    assert registry.app("acme", "shop") is None
    assert set(registry.orgs) == {"acme"}
    assert registry.revision == 7


def test_records_of_before_read_with_defaults() -> None:
    record = read_record("org.acme", b'{"org":"acme","name":"Acme","created_at_ms":5,"salt":"5a"}')
    assert record == OrgRecord(org="acme", name="Acme", created_at_ms=5, salt="5a")


@given(st.text(max_size=70) | st.from_regex(r"[A-Za-z0-9._>* \n-]{1,70}", fullmatch=True))
def test_a_name_cannot_break_the_path_of_a_key(text: str) -> None:
    """Either it is refused, or the key falls apart into what it was made of."""
    if is_name(text):
        assert app_key(text, "shop").split(".") == ["app", text, "shop"]
        assert app_key("acme", text).split(".") == ["app", "acme", text]
        assert org_key(text) == f"org.{text}"
        assert not set(text) & set(" \t\r\n.*>$")
    else:
        for org, app in ((text, "shop"), ("acme", text)):
            with pytest.raises(ValueError, match="no name"):
                app_key(org, app)


@pytest.mark.parametrize("text", ["", "abc", "A" * 64, "a" * 63 + "\n", "a" * 65, "*", ">"])
def test_only_a_digest_is_the_key_of_a_secret(text: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        secret_key("key", text)


@pytest.mark.parametrize(
    "record",
    [
        OrgRecord(org="acme", name="Acme"),
        SHOP,
        KeyRecord(key_id="k", org="acme", app="shop", digest=digest("smk_1")),
        TokenRecord(token_id="t", kind="operator", digest=digest("smo_1")),
    ],
)
def test_a_record_is_read_where_it_was_written(record: OrgRecord) -> None:
    assert read_record(record_key(record), msgspec.json.encode(record)) == record
    with pytest.raises(UnreadableRecord):
        read_record("org.other", msgspec.json.encode(record))


@given(st.text(st.characters()))
def test_whatever_is_sent_as_a_key_can_be_looked_up(text: str) -> None:
    registry = Registry()
    assert registry.key(text) is None
    assert registry.token(text) is None
    assert not registry.may_be_missing(text)


def test_secrets_have_the_form_of_their_kind() -> None:
    made = {
        new_secret("operator"),
        derived_secret("operator", b"a"),
        derived_secret("operator", b"b"),
    }
    assert len(made) == 3
    assert all(text.startswith("smo_") and len(text) == 31 and text[4:].isalnum() for text in made)
    assert derived_secret("operator", b"a") in made
    assert derived_secret("admin", b"a")[4:] != derived_secret("operator", b"a")[4:]


def test_a_key_is_not_called_unknown_whose_record_cannot_be_read() -> None:
    registry = Registry()
    key = KeyRecord(key_id="k", org="acme", app="shop", digest=digest("smk_1"))
    registry.apply(f"key.{key.digest}", b"{")
    assert registry.may_be_missing("smk_1")
    assert not registry.may_be_missing("smk_2")
    registry.apply(f"key.{key.digest}", msgspec.json.encode(key))
    assert not registry.may_be_missing("smk_1")  # its app was deleted
    registry.apply("app.acme.shop", b"{")
    assert registry.may_be_missing("smk_1")
