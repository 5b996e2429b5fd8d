from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from alicia.errors import SetupError
from alicia.storage.voiceprints import StoredVoiceprint, Voiceprints


def one(name: str) -> StoredVoiceprint:
    return StoredVoiceprint(name, name.title(), "e", (0.25, -0.5), 3, 0.9, 1.0, 2.0)


def test_what_is_put_is_there_again_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    Voiceprints(tmp_path).put(one("emma"))
    Voiceprints(tmp_path).put(one("bob"))
    assert [p.name for p in Voiceprints(tmp_path).all()] == ["Bob", "Emma"]
    assert Voiceprints(tmp_path).get("emma") == one("emma")
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"emma" not in path.read_bytes().lower()


def test_a_voice_that_is_learned_again_replaces_the_old(tmp_path: Path) -> None:
    prints = Voiceprints(tmp_path)
    prints.put(one("emma"))
    again = StoredVoiceprint("emma", "Emma", "e", (1.0, 0.0), 5, 0.95, 3.0, 4.0)
    prints.put(again)
    assert Voiceprints(tmp_path).all() == [again]


def test_an_old_copy_of_somebody_forgotten_cannot_be_read_any_more(tmp_path: Path) -> None:
    prints = Voiceprints(tmp_path)
    prints.put(one("emma"))
    prints.put(one("bob"))
    copy = tmp_path / "backup"
    shutil.copy(tmp_path / "voiceprints", copy)
    assert prints.forget("emma")
    assert not prints.forget("emma")
    assert [p.name for p in Voiceprints(tmp_path).all()] == ["Bob"]
    shutil.copy(copy, tmp_path / "voiceprints")
    with pytest.raises(SetupError):
        Voiceprints(tmp_path)


def test_a_changed_or_keyless_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    Voiceprints(tmp_path).put(one("emma"))
    data = tmp_path / "voiceprints"
    changed = bytearray(data.read_bytes())
    changed[-1] ^= 1
    data.write_bytes(changed)
    with pytest.raises(SetupError, match="changed"):
        Voiceprints(tmp_path)
    assert data.read_bytes() == changed
    (tmp_path / "voiceprints.key").unlink()
    with pytest.raises(SetupError):
        Voiceprints(tmp_path)


def test_a_crash_between_key_and_data_loses_nothing(tmp_path: Path) -> None:
    prints = Voiceprints(tmp_path)
    prints.put(one("emma"))
    old_keys = (tmp_path / "voiceprints.key").read_bytes()
    old_data = (tmp_path / "voiceprints").read_bytes()
    prints.put(one("bob"))
    prints.forget("bob")
    # As if the new key had been written beside the old one, and the data not yet.
    both = {
        **json.loads(old_keys),
        **json.loads((tmp_path / "voiceprints.key").read_bytes()),
    }
    (tmp_path / "voiceprints.key").write_text(json.dumps(both))
    (tmp_path / "voiceprints").write_bytes(old_data)
    assert [p.name for p in Voiceprints(tmp_path).all()] == ["Emma"]
