"""The home's authority: made once, renewed in time, and strict enough for strict clients."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alicia.errors import SetupError
from alicia.security.authority import (
    CA_VALIDITY,
    SERVER_VALIDITY,
    Authority,
    Pair,
    names_of,
    read_certificate,
    read_key,
    server_names,
)

NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "ca")
    made.ensure_server(now=NOW)
    return made


def test_only_the_owner_may_read_what_the_authority_keeps(authority: Authority) -> None:
    assert stat.S_IMODE(authority.folder.stat().st_mode) == 0o700
    files = sorted(authority.folder.iterdir())
    assert [file.name for file in files] == ["ca.crt", "ca.key", "server.pem"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_the_root_is_made_once_and_never_overwritten(authority: Authority) -> None:
    before = authority.ca_file.read_bytes(), authority.ca_key_file.read_bytes()
    assert not authority.ensure(NOW + timedelta(days=1))
    authority.ensure_server(["alicia.home"], NOW)
    assert (authority.ca_file.read_bytes(), authority.ca_key_file.read_bytes()) == before


def test_a_creation_that_was_cut_off_is_completed_with_the_same_key(authority: Authority) -> None:
    key = authority.ca_key_file.read_bytes()
    authority.ca_file.unlink()
    assert authority.ensure(NOW)
    assert authority.ca_key_file.read_bytes() == key
    assert Pair(read_certificate(authority.ca_file), read_key(authority.ca_key_file)).matches


def test_root_and_server_live_as_long_as_they_should(authority: Authority) -> None:
    assert read_certificate(authority.ca_file).not_valid_after_utc == NOW + CA_VALIDITY
    assert authority.expires_at() == NOW + SERVER_VALIDITY


def test_the_server_is_certified_for_this_machine_and_the_names_given(authority: Authority) -> None:
    assert authority.ensure_server(["Alicia.Home", "192.0.2.7"], NOW)
    names = names_of(read_certificate(authority.server_file))
    assert names == server_names() | {"alicia.home", "192.0.2.7"}
    assert names >= {"localhost", "127.0.0.1", "::1"}


@pytest.mark.parametrize("name", ["", "two words", "a/b", "naïve.home", "-a", "300.1.1.1/8"])
def test_a_name_that_no_certificate_can_carry_is_refused(authority: Authority, name: str) -> None:
    with pytest.raises(SetupError, match="neither"):
        authority.ensure_server([name], NOW)


def test_a_certificate_that_still_fits_is_left_alone(authority: Authority) -> None:
    before = authority.server_file.read_bytes()
    assert not authority.ensure_server(now=NOW + SERVER_VALIDITY - timedelta(days=31))
    assert authority.server_file.read_bytes() == before


def test_a_certificate_is_renewed_thirty_days_before_its_end(authority: Authority) -> None:
    later = NOW + SERVER_VALIDITY - timedelta(days=29)
    assert authority.ensure_server(now=later)
    assert authority.expires_at() == later + SERVER_VALIDITY


def test_a_certificate_is_issued_again_where_names_come_or_go(authority: Authority) -> None:
    assert authority.ensure_server(["alicia.home"], NOW)
    assert not authority.ensure_server(["alicia.home"], NOW)
    assert authority.ensure_server([], NOW)


def test_a_damaged_server_file_is_replaced(authority: Authority) -> None:
    authority.server_file.write_text("nonsense")
    assert authority.ensure_server(now=NOW)
    assert Pair(read_certificate(authority.server_file), read_key(authority.server_file)).matches


def test_a_root_near_its_end_is_not_asked_again_and_again(authority: Authority) -> None:
    near = NOW + CA_VALIDITY - timedelta(days=10)
    assert authority.ensure_server(now=near)
    assert authority.expires_at() == NOW + CA_VALIDITY
    assert not authority.ensure_server(now=near)


@pytest.mark.parametrize("clock", [NOW - timedelta(days=3000), NOW + CA_VALIDITY])
def test_nothing_is_issued_while_the_clock_is_outside_the_roots_life(
    authority: Authority, clock: datetime
) -> None:
    with pytest.raises(SetupError, match="clock"):
        authority.ensure_server(["new.home"], clock)


def test_without_the_roots_key_the_certificate_serves_on_but_none_is_issued(
    authority: Authority,
) -> None:
    authority.ca_key_file.unlink()
    assert not authority.ensure_server(now=NOW)
    with pytest.raises(SetupError, match="no readable key"):
        authority.ensure_server(["new.home"], NOW)


def test_a_strict_client_accepts_the_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.ensure_server()
    client = ssl.create_default_context(cafile=authority.ca_file)
    # What Python 3.13 asks for by default.
    client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(authority.server_file)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (near, far, near, far):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert near.version() == "TLSv1.3"
