"""What the doctor finds, and that it says what to do about it."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timezone
from pathlib import Path

import pytest

from alicia.cli import checks, house_checks
from alicia.cli.verdicts import Check, Verdict
from alicia.runtime.settings import Folder
from alicia.security.authority import Authority
from alicia.security.identities import Identities
from alicia.speech.models import catalogue


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    for variable in [name for name in os.environ if name.startswith("ALICIA_")]:
        monkeypatch.delenv(variable)
    return Folder(tmp_path / "home")


def only(found: list[Check]) -> Check:
    assert len(found) == 1, found
    return found[0]


def test_an_old_python_fails_and_a_present_one_does_not() -> None:
    assert only(list(checks.python((3, 10, 4)))).verdict is Verdict.FAIL
    assert only(list(checks.python((3, 11, 0)))).verdict is Verdict.OK
    assert only(list(checks.python((3, 15, 0)))).verdict is Verdict.FAIL


def test_a_setting_that_is_not_valid_is_named_with_where_it_stands(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALICIA_ROUTER__KEEP_TURNS", "0")
    found = only(list(checks.settings_file(folder)))
    assert found.verdict is Verdict.FAIL
    assert "router.keep_turns" in found.finding
    assert "ALICIA_ROUTER__KEEP_TURNS" in (found.remedy or "")


def test_a_settings_file_that_is_no_toml_is_named(folder: Folder) -> None:
    folder.root.mkdir()
    folder.settings_file.write_text("[stt\n", "utf-8")
    found = only(list(checks.settings_file(folder)))
    assert found.verdict is Verdict.FAIL
    assert str(folder.settings_file) in (found.remedy or "")


def test_a_port_that_somebody_has_is_told_with_who_has_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        monkeypatch.setenv("ALICIA_BROKER__TLS_PORT", str(number))
        found = only(list(checks.port(folder)))
        assert found.verdict is Verdict.FAIL
        assert str(number) in found.finding
        if Path("/proc/net/tcp").exists():
            assert f"pid {os.getpid()}" in found.finding
    assert only(list(checks.port(folder))).verdict is Verdict.OK


def test_any_port_needs_no_check(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICIA_BROKER__TLS_PORT", "0")
    assert only(list(checks.port(folder))).verdict is Verdict.OK


def test_a_model_that_is_known_to_nobody_is_told(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALICIA_STT__MODEL", "whisper-of-the-wind")
    verdicts = {check.finding: check.verdict for check in checks.models(folder, deep=False)}
    assert verdicts["There is no model whisper-of-the-wind."] is Verdict.FAIL


def test_a_model_that_must_be_fetched_is_told_with_the_command(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALICIA_TTS__VOICES", "piper-es-davefx")
    found = list(checks.models(folder, deep=False))[-1]
    assert found.verdict is Verdict.FAIL
    assert found.remedy == "alicia models pull piper-es-davefx"


def test_a_damaged_model_is_found_by_looking_deep(folder: Folder) -> None:
    voice = next(model for model in catalogue() if model.name == "piper-en-joe")
    place = folder.models / voice.name
    place.mkdir(parents=True)
    for file in voice.files:
        with (place / file.name).open("wb") as stored:
            stored.truncate(file.size_bytes or 1)  # the size is right, the content is not
    shallow = list(checks.models(folder, deep=False))[-1]
    assert shallow.verdict is Verdict.OK
    deep = list(checks.models(folder, deep=True))[-1]
    assert deep.verdict is Verdict.FAIL
    assert "en_US-joe-medium.onnx" in deep.finding


def test_a_house_before_its_first_start_has_no_certificates_to_complain_of(
    folder: Folder,
) -> None:
    assert only(list(checks.certificates(folder))).verdict is Verdict.OK


def test_a_key_that_others_may_read_is_told_with_the_command_that_mends_it(
    folder: Folder,
) -> None:
    authority = Authority(folder.root / "ca")
    authority.ensure()
    authority.ensure_server([])
    assert only(list(checks.certificates(folder))).verdict is Verdict.OK
    authority.ca_key_file.chmod(0o644)
    found = only(list(checks.certificates(folder)))
    assert found.verdict is Verdict.FAIL
    assert (found.remedy or "").startswith("chmod 600")


def test_a_password_that_others_may_read_is_told(folder: Folder) -> None:
    folder.root.mkdir()
    Identities(folder.identities).ensure("stt")
    assert only(list(checks.permissions(folder))).verdict is Verdict.OK
    (folder.identities / "stt.json").chmod(0o644)
    found = only(list(checks.permissions(folder)))
    assert found.verdict is Verdict.FAIL
    assert "stt.json" in found.finding


def test_a_clock_of_long_ago_fails() -> None:
    past = datetime(1970, 1, 1, 0, 5, tzinfo=timezone.utc)  # noqa: UP017 - as in the source
    found = only(list(checks.clock(past)))
    assert found.verdict is Verdict.FAIL
    assert "1970" in found.finding
    assert only(list(checks.clock())).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(None, Verdict.OK), (1e8, Verdict.FAIL), (5e8, Verdict.WARN), (4e9, Verdict.OK)],
)
def test_memory_is_judged_by_what_is_free(
    folder: Folder, free: float | None, verdict: Verdict
) -> None:
    assert only(list(checks.memory(folder, lambda: free))).verdict is verdict


def test_a_library_that_does_not_load_is_told_with_its_reason() -> None:
    assert checks.unusable("json") is None
    assert "No module named" in (checks.unusable("alicia_has_no_such") or "")


async def test_without_a_house_the_doctor_says_how_to_start_one(folder: Folder) -> None:
    found = only(await house_checks.house(folder))
    assert found.verdict is Verdict.WARN
    assert found.remedy == "alicia up"
