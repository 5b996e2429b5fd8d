"""Credentials: generated once, private, and hashed the way Mosquitto checks them."""

import base64
import hashlib
import json
import stat
from pathlib import Path

import pytest

from alicia.errors import SetupError
from alicia.security.identities import Credentials, Identities, password_line, read_credentials


@pytest.fixture
def identities(tmp_path: Path) -> Identities:
    return Identities(tmp_path / "identities")


def test_credentials_are_generated_once_and_kept_private(identities: Identities) -> None:
    first = identities.ensure("stt")
    assert identities.ensure("stt") == first
    assert first.username == "stt"
    assert len(base64.urlsafe_b64decode(first.password + "=")) == 32
    assert stat.S_IMODE(identities.path("stt").stat().st_mode) == 0o600
    assert stat.S_IMODE(identities.folder.stat().st_mode) == 0o700


def test_a_service_reads_a_file_of_two_fields(identities: Identities) -> None:
    made = identities.ensure("stt")
    content = json.loads(identities.path("stt").read_text())
    assert content == {"username": "stt", "password": made.password}
    assert read_credentials(identities.path("stt")) == made


def test_no_two_identities_share_a_password(identities: Identities) -> None:
    assert identities.ensure("stt").password != identities.ensure("tts").password


def test_rotating_changes_the_password_of_one_identity_alone(identities: Identities) -> None:
    stt, tts = identities.ensure("stt"), identities.ensure("tts")
    before = identities.password_file().splitlines()
    assert identities.rotate("stt").password != stt.password
    assert identities.ensure("tts") == tts
    after = identities.password_file().splitlines()
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_the_password_file_is_the_same_until_credentials_change(identities: Identities) -> None:
    for name in ("tts", "stt"):
        identities.ensure(name)
    text = identities.password_file()
    assert [line.split(":")[0] for line in text.splitlines()] == ["stt", "tts"]
    assert Identities(identities.folder).password_file() == text
    identities.remove("tts")
    assert identities.names() == ["stt"]
    assert identities.password_file() == text.splitlines(keepends=True)[0]


def test_a_line_is_a_pbkdf2_hash_that_verifies(identities: Identities) -> None:
    made = identities.ensure("stt")
    name, _, hashed = password_line(made).partition(":")
    empty, kind, iterations, salt, digest = hashed.split("$")
    assert (name, empty, kind, iterations) == ("stt", "", "7", "101")
    assert len(base64.b64decode(salt)) == 12
    again = hashlib.pbkdf2_hmac("sha512", made.password.encode(), base64.b64decode(salt), 101)
    assert base64.b64decode(digest) == again


def test_the_same_password_gives_two_identities_two_salts() -> None:
    salts = {password_line(Credentials(name, "x" * 43)).split("$")[3] for name in ("stt", "tts")}
    assert len(salts) == 2


@pytest.mark.parametrize("name", ["", "Stt", "a b", "../x", ".x", "a:b", "a#", "a\n", "x" * 65])
def test_a_name_that_files_or_the_broker_misread_is_refused(
    identities: Identities, name: str
) -> None:
    with pytest.raises(SetupError):
        identities.ensure(name)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}", '{"username": "a", "password": 7}'])
def test_damaged_credentials_are_a_setup_error_that_quotes_nothing(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "stt.json"
    path.write_text(text)
    with pytest.raises(SetupError) as caught:
        read_credentials(path)
    assert caught.value.fields == {"path": str(path)}


def test_a_file_for_another_identity_does_not_enter_the_password_file(
    identities: Identities,
) -> None:
    identities.ensure("stt")
    identities.path("tts").write_bytes(identities.path("stt").read_bytes())
    with pytest.raises(SetupError, match="another identity"):
        identities.password_file()


def test_a_password_never_shows_in_a_repr(identities: Identities) -> None:
    made = identities.ensure("stt")
    assert made.password not in repr(made)
