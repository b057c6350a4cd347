"""The small files of a data folder, emptied, replaced or deleted: a sentence with the way out."""

from pathlib import Path

import pytest

from provisioning.credentials import read_or_create
from seamark.service.settings import SettingsError
from seamark.standalone.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "data")
    made.create()
    made.secrets()
    read_or_create(made.credentials)
    return made


@pytest.mark.parametrize("held", ["", "[]", '"a"', "1", "null", "{}", '{"nats": 1}', "{"])
def test_secrets_that_hold_no_passwords_are_named(folder: Folder, held: str) -> None:
    path = folder.path / "secrets.json"
    path.write_text(held)
    with pytest.raises(SettingsError, match=r"secrets\.json .*put it back from a copy"):
        folder.secrets()


@pytest.mark.parametrize("held", ["", "[]", "{}", '{"org": "demo"}'])
def test_credentials_that_hold_none_are_named_with_both_ways_out(folder: Folder, held: str) -> None:
    folder.credentials.write_text(held)
    with pytest.raises(SettingsError, match=r"credentials\.json .*copy, or delete it.*still work"):
        folder.check_credentials()


def test_who_deleted_the_credentials_is_told_that_the_old_keys_live(folder: Folder) -> None:
    assert folder.check_credentials() == ""
    folder.credentials.unlink()
    assert folder.check_credentials() == ""  # a new folder: nothing was made before
    (folder.part("nats") / "jetstream").mkdir()
    said = folder.check_credentials()
    assert "new ones are made" in said
    assert "revoke the keys and tokens made before, which still work" in said
