"""What `problems` finds, each with a remedy; the time is given, never this machine's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alicia.security.authority import CA_VALIDITY, SERVER_VALIDITY, Authority
from alicia.security.diagnosis import problems

NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "ca")
    made.ensure_server(["alicia.home"], NOW)
    return made


def found(authority: Authority, now: datetime = NOW, names: tuple[str, ...] = ()) -> list[str]:
    every = problems(authority.folder, now, names)
    assert all(problem.message and problem.remedy for problem in every)
    return [problem.code for problem in every]


def test_a_sound_folder_has_no_problems(authority: Authority) -> None:
    assert found(authority, names=("alicia.home",)) == []


def test_an_empty_folder_misses_both(tmp_path: Path) -> None:
    assert found(Authority(tmp_path / "none")) == ["ca.missing", "server.missing"]


def test_files_that_are_no_certificates_are_unreadable(authority: Authority) -> None:
    authority.ca_file.write_text("nonsense")
    authority.server_file.write_text("nonsense")
    assert found(authority) == ["ca.unreadable", "server.unreadable"]


def test_a_clock_that_is_behind_is_named_as_the_cause(authority: Authority) -> None:
    behind = NOW - timedelta(days=7000)
    assert found(authority, behind) == ["ca.not_yet_valid", "server.not_yet_valid"]
    assert "clock" in problems(authority.folder, behind)[0].remedy


def test_a_clock_a_little_behind_does_no_harm(authority: Authority) -> None:
    assert found(authority, NOW - timedelta(minutes=50)) == []


@pytest.mark.parametrize(
    ("since", "codes"),
    [
        (SERVER_VALIDITY - timedelta(days=15), []),
        (SERVER_VALIDITY - timedelta(days=13), ["server.expires_soon"]),
        (SERVER_VALIDITY, ["server.expired"]),
        (CA_VALIDITY - timedelta(days=89), ["ca.expires_soon", "server.expired"]),
        (CA_VALIDITY, ["ca.expired", "server.expired"]),
    ],
)
def test_an_end_is_told_before_and_after_it_comes(
    authority: Authority, since: timedelta, codes: list[str]
) -> None:
    assert found(authority, NOW + since) == codes


def test_a_name_that_clients_use_but_the_certificate_lacks_is_told(authority: Authority) -> None:
    assert found(authority, names=("192.0.2.7",)) == ["server.names"]
    assert "192.0.2.7" in problems(authority.folder, NOW, ("192.0.2.7",))[0].message


def test_keys_of_somebody_else_are_told(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    other.ensure_server(now=NOW)
    authority.ca_key_file.write_bytes(other.ca_key_file.read_bytes())
    own, foreign = authority.server_file.read_text(), other.server_file.read_text()
    mark = "-----BEGIN PRIVATE KEY"
    authority.server_file.write_text(own[: own.index(mark)] + foreign[foreign.index(mark) :])
    assert found(authority) == ["ca.key_mismatch", "server.key_mismatch"]


def test_missing_and_damaged_keys_are_told(authority: Authority) -> None:
    authority.ca_key_file.unlink()
    text = authority.server_file.read_text()
    authority.server_file.write_text(text[: text.index("-----BEGIN PRIVATE KEY")])
    assert found(authority) == ["ca.key_missing", "server.key_unreadable"]


def test_a_certificate_of_another_home_is_told(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    other.ensure_server(now=NOW)
    authority.server_file.write_bytes(other.server_file.read_bytes())
    assert found(authority) == ["server.other_authority"]


def test_a_key_that_others_may_read_is_told(authority: Authority) -> None:
    authority.ca_key_file.chmod(0o644)
    assert found(authority) == ["file.exposed"]
    assert "chmod 600" in problems(authority.folder, NOW)[0].remedy
