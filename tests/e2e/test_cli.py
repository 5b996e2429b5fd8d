"""The command line as its users have it: real processes, a real house, JSON and tables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alicia.audio.formats import RATE_HZ, write_wav
from alicia.cli.memory import Memory
from alicia.runtime.roster import ROOMS
from alicia.security.process import alive

pytestmark = pytest.mark.timeout(180)

RECORDING = Path(__file__).parents[1] / "data" / "speech"
ASK_FIELDS = {
    "speaker",
    "turn_id",
    "transcript",
    "intent",
    "actions",
    "reply",
    "reply_wav",
    "stages",
    "processing_ms",
    "felt_ms",
    "error",
}
BUILT = [room.name for room in ROOMS if not room.planned and room.name != "grok"]
"""Those that start by themselves; grok does where a provider is set."""


@dataclass(frozen=True)
class Told:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.startswith("{"), self
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        assert self.code == 1, self
        assert "Traceback" not in self.out + self.err
        return self.json["error"]


def environment(**more: str) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("ALICIA_")}
    quiet = {"ALICIA_TTS__WARM_AFTER_S": "3600", "COLUMNS": "140", "NO_COLOR": "1"}
    return {**own, "ALICIA_BROKER__TLS_PORT": "0", **quiet, **more}


def alicia(home: Path, *words: str, **more: str) -> Told:
    """Run a command to its end, as a person would."""
    done = subprocess.run(
        [sys.executable, "-m", "alicia", *words, "--home", str(home)],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Told(done.returncode, done.stdout, done.stderr)


# ---- the house ----------------------------------------------------------------------------------


@dataclass
class House:
    home: Path
    process: subprocess.Popen[str]
    ready: dict[str, Any]

    def __call__(self, *words: str) -> Told:
        return alicia(self.home, *words)


@pytest.fixture(scope="session")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """A folder with the models, for every house of this session."""
    home = tmp_path_factory.mktemp("models")
    return home / "models", alicia(home, "models", "pull", "--json")


@pytest.fixture(scope="module")
def house(
    pulled: tuple[Path, Told], tmp_path_factory: pytest.TempPathFactory
) -> Generator[House, None, None]:
    home = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(pulled[0])
    process = subprocess.Popen(
        [sys.executable, "-m", "alicia", "up", "--json", "--home", str(home)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        if not line:
            assert process.stderr is not None
            pytest.fail(process.stderr.read())
        yield House(home, process, json.loads(line))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=40)


LOOKING = {
    "ps": ("ps",),
    "devices": ("devices",),
    "kitchen lights": ("devices", "kitchen", "--domain", "light"),
    "models": ("models",),
    "info": ("info", "device_control"),
    "doctor": ("doctor",),
    "tap": ("tap", "system/presence/#", "--count", "5"),
}


@pytest.fixture(scope="module")
def looks(house: House) -> dict[tuple[str, str], Told]:
    """All that only looks, at once: each for a program, and for a person."""
    cases = {(name, form): words for name, words in LOOKING.items() for form in ("json", "pretty")}
    with ThreadPoolExecutor(4) as pool:
        running = {
            case: pool.submit(house, *words, *(["--json"] if case[1] == "json" else []))
            for case, words in cases.items()
        }
        return {case: told.result() for case, told in running.items()}


def recordings(folder: Path) -> dict[str, Path]:
    """What people give to `alicia ask` by mistake."""
    noise = np.random.default_rng(7).normal(0, 3000, RATE_HZ * 2).astype(np.int16)
    write_wav(folder / "silence.wav", np.zeros(RATE_HZ, np.int16))
    write_wav(folder / "noise.wav", noise)
    write_wav(folder / "ten minutes.wav", np.zeros(RATE_HZ * 600, np.int16))
    whole = (folder / "noise.wav").read_bytes()
    (folder / "cut off.wav").write_bytes(whole[: len(whole) // 2])
    (folder / "text.wav").write_text("turn on the kitchen light\n", "utf-8")
    (folder / "empty.wav").write_bytes(b"")
    return {path.stem: path for path in folder.glob("*.wav")}


@pytest.fixture(scope="module")
def asked(house: House, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Every recording, asked for a program; the silent ones at once, since they take patience."""
    files = recordings(tmp_path_factory.mktemp("recordings"))
    files["nowhere"] = Path("/nowhere/x.wav")
    files["command"] = next(RECORDING.glob("lock_the_front_door*"))
    with ThreadPoolExecutor(4) as pool:
        running = {
            name: pool.submit(house, "ask", str(file), "--json") for name, file in files.items()
        }
        return {name: told.result() for name, told in running.items()}


# ---- without a house ----------------------------------------------------------------------------


def test_the_version_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alicia", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("alicia 0.")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [("say", "hello"), ("tap",), ("devices",)],
    ids=lambda words: words[0],
)
def test_without_a_house_a_command_says_how_to_start_one(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    error = alicia(tmp_path, *words, "--json").error
    assert error["code"] == "setup.not_ready"
    assert "alicia up" in error["message"]


def test_a_setting_that_is_not_valid_is_told_before_anything_starts(tmp_path: Path) -> None:
    told = alicia(tmp_path, "up", ALICIA_ROUTER__KEEP_TURNS="0")
    assert told.code == 1
    assert "setup.settings" in told.err
    assert "ALICIA_ROUTER__KEEP_TURNS" in told.err
    assert "Traceback" not in told.err
    assert not (tmp_path / "broker").exists()


def test_a_planned_service_is_not_started(tmp_path: Path) -> None:
    error = alicia(tmp_path, "up", "sonos", "--json").error
    assert error["code"] == "setup.settings"
    assert "planned" in error["message"]


# ---- models -------------------------------------------------------------------------------------


def test_pulling_without_names_brings_the_models_in_use(pulled: tuple[Path, Told]) -> None:
    folder, told = pulled
    assert told.code == 0, told
    # English's own recognizer comes along where its package is installed.
    pulled_models = [name for name in told.json["pulled"] if name != "moonshine-tiny-en"]
    assert pulled_models == ["whisper-base-int8", "piper-en-joe"]
    assert told.json["folder"] == str(folder)
    assert (folder / "whisper-base-int8" / "model.bin").stat().st_size == 145_217_532


def test_models_are_pulled_once_listed_and_removed(tmp_path: Path) -> None:
    told = alicia(tmp_path, "models", "pull", "piper-en-joe")
    assert told.code == 0, told
    assert "Pulled and verified: piper-en-joe" in told.out
    assert alicia(tmp_path, "models", "pull", "piper-en-joe", "--json").json["already"] == [
        "piper-en-joe"
    ]
    gone = alicia(tmp_path, "models", "remove", "piper-en-joe", "--json").json
    assert gone == {"removed": ["piper-en-joe"], "absent": [], "in_use": ["piper-en-joe"]}
    assert not (tmp_path / "models" / "piper-en-joe").exists()


def test_an_unverified_model_is_not_pulled_unasked(tmp_path: Path) -> None:
    error = alicia(tmp_path, "models", "pull", "piper-zh-huayan", "--json").error
    assert "--allow-unverified" in error["message"]


# ---- looking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOOKING)
def test_what_looks_well_ends_well_for_a_person_and_a_program(
    looks: dict[tuple[str, str], Told], name: str
) -> None:
    for form in ("json", "pretty"):
        told = looks[name, form]
        assert told.code == 0, told
        assert told.err == "" or name == "doctor"
        assert told.out.strip()


def test_up_tells_which_services_are_ready(house: House) -> None:
    assert house.ready["services_ready"] == len(BUILT) + 1
    assert set(BUILT) < set(house.ready["services"])


def test_ps_shows_every_room_of_the_roster(looks: dict[tuple[str, str], Told]) -> None:
    found = looks["ps", "json"].json
    rows = {row["service"]: row for row in found["services"]}
    assert {room.name for room in ROOMS} <= rows.keys()
    for name in BUILT:
        assert rows[name]["phase"] == "ready", rows[name]
        assert alive(rows[name]["pid"])
        assert rows[name]["missing"] == []
    assert rows["stt"]["endpoint"].startswith("http://127.0.0.1:")
    assert found["ready"] == len(BUILT)
    assert found["planned"] == sum(room.planned for room in ROOMS)
    assert rows["grok"]["phase"] == "stopped"
    if Path("/proc").exists():
        assert rows["stt"]["memory_mb"] > 30
        assert found["broker"]["memory_mb"] > 0
        assert found["memory_mb"] > sum(rows[name]["memory_mb"] for name in BUILT) * 0.9
    table = looks["ps", "pretty"].out
    assert "device_registry" in table
    assert "planned" in table


def test_devices_come_with_what_they_confirmed(looks: dict[tuple[str, str], Told]) -> None:
    found = looks["devices", "json"].json
    assert {area["area_id"] for area in found["areas"]} >= {"kitchen", "bedroom"}
    assert all(entity["state"] is not None for entity in found["entities"])
    kitchen = looks["kitchen lights", "json"].json["entities"]
    assert kitchen
    assert all(entity["domain"] == "light" for entity in kitchen)
    assert "light.kitchen" in looks["kitchen lights", "pretty"].out


def test_info_shows_the_contract_the_figures_and_the_settings(
    looks: dict[tuple[str, str], Told],
) -> None:
    found = looks["info", "json"].json
    assert "CONTROL" in found["serves"]
    (instance,) = found["instances"]
    assert 0 < instance["ping_ms"] < 1000
    assert instance["rss_bytes"] > 0
    assert "drain_timeout_s" in {setting["name"] for setting in found["settings"]}


def test_the_doctor_finds_this_house_well(looks: dict[tuple[str, str], Told]) -> None:
    found = looks["doctor", "json"].json
    assert found["ok"]
    verdicts = {check["name"]: check["verdict"] for check in found["checks"]}
    for name in ("python", "mosquitto", "models", "engines", "certificates", "services", "ping"):
        assert verdicts[name] == "ok", found


def test_the_tap_gives_a_line_for_each_message_and_ends_in_time(
    looks: dict[tuple[str, str], Told],
) -> None:
    lines = [json.loads(line) for line in looks["tap", "json"].out.splitlines()]
    assert len(lines) == 5
    assert all(line["schema"] == "Presence/1" for line in lines)
    assert len({(line["topic"], line["message"]["phase"]) for line in lines}) == 5


def test_the_doctor_fails_where_something_is_wrong(house: House) -> None:
    passwords = house.home / "broker" / "passwords"
    passwords.chmod(0o644)
    try:
        told = house("doctor", "--json")
    finally:
        passwords.chmod(0o600)
    assert told.code == 1
    (found,) = (check for check in told.json["checks"] if check["verdict"] == "fail")
    assert str(passwords) in found["finding"]
    assert found["remedy"].startswith("chmod 600")


# ---- speaking -----------------------------------------------------------------------------------


def test_a_recorded_command_is_carried_out_and_answered(asked: dict[str, Told]) -> None:
    told = asked["command"]
    assert told.code == 0, told
    found = told.json
    assert found.keys() == ASK_FIELDS
    assert found["actions"] == [
        {
            "entity": "lock.front_door",
            "capability": "locked",
            "value": True,
            "outcome": "confirmed",
        }
    ]
    assert found["error"] is None
    assert Path(found["reply_wav"]).stat().st_size > 10_000
    assert all(stage.keys() == {"stage", "ms"} for stage in found["stages"])
    assert found["processing_ms"] > 0


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("text", "voice.unsupported_audio"),
        ("empty", "voice.unsupported_audio"),
        ("cut off", "voice.unsupported_audio"),
        ("nowhere", "voice.unsupported_audio"),
        ("ten minutes", "voice.too_long"),
    ],
)
def test_a_file_that_is_no_command_is_refused_with_what_to_do(
    asked: dict[str, Told], name: str, code: str
) -> None:
    told = asked[name]
    assert told.code == 1
    assert told.json.keys() == ASK_FIELDS
    assert told.json["error"] == code
    assert told.json["reply"]
    assert code in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize("name", ["silence", "noise"])
def test_where_nobody_spoke_the_house_says_so(asked: dict[str, Told], name: str) -> None:
    told = asked[name]
    assert told.code == 1
    found = told.json
    assert found.keys() == ASK_FIELDS
    assert found["error"] == "voice.no_speech"
    assert found["reply"]
    assert Path(found["reply_wav"]).stat().st_size > 10_000


def test_a_typed_sentence_a_new_name_and_its_trace(house: House) -> None:
    changed = house("devices", "rename", "light.kitchen", "Chef Light", "--json").json
    assert changed["name"] == "Chef Light"
    told = house("say", "turn on the chef light", "--json")
    assert told.code == 0, told
    (action,) = told.json["actions"]
    assert action["entity"] == "light.kitchen"
    assert action["outcome"] == "confirmed"
    drawn = house("trace", told.json["turn_id"])
    assert drawn.code == 0
    assert "device_control" in drawn.out


def test_a_device_gets_an_alias_and_another_area(house: House) -> None:
    assert (
        "big one" in house("devices", "alias", "light.kitchen", "big one", "--json").json["aliases"]
    )
    assert house("devices", "move", "big one", "Bedroom", "--json").json["area_id"] == "bedroom"
    assert house("devices", "move", "big one", "attic", "--json").error["code"] == (
        "device.invalid_value"
    )
    gone = house("devices", "alias", "light.kitchen", "big one", "--remove", "--json").json
    assert "big one" not in gone["aliases"]
    assert house("devices", "rename", "no such lamp", "x", "--json").error["code"] == (
        "device.unknown_entity"
    )


def test_listening_without_a_microphone_says_what_to_install(house: House) -> None:
    told = house("listen", "--json")
    assert told.error["code"] == "setup.dependency_missing"


# ---- the services -------------------------------------------------------------------------------


def test_a_restarted_service_is_another_process_and_ready(house: House) -> None:
    before = {row["service"]: row["pid"] for row in house("ps", "--json").json["services"]}
    told = house("restart", "ai", "--json")
    assert told.code == 0, told
    assert told.json["service"] == "ai"
    assert told.json["pid"] != before["ai"]
    assert not alive(before["ai"])


def test_what_can_not_be_restarted_is_told(house: House) -> None:
    assert "planned" in house("restart", "sonos", "--json").error["message"]


def test_a_second_house_in_the_same_folder_is_refused(house: House) -> None:
    told = house("up", "--json")
    assert told.error["fields"]["pid"] == str(house.process.pid)


def test_ctrl_c_ends_the_house_and_leaves_no_process(house: House) -> None:
    def below(pid: int, memory: Memory) -> list[int]:
        return [pid, *(c for child in memory.children.get(pid, []) for c in below(child, memory))]

    everyone = set(below(house.process.pid, Memory.read()))
    everyone.add(int((house.home / "broker" / "mosquitto.pid").read_text("ascii")))
    everyone |= {row["pid"] for row in house("ps", "--json").json["services"] if row["pid"]}
    assert len(everyone) > len(BUILT)
    house.process.send_signal(signal.SIGINT)
    _, said = house.process.communicate(timeout=40)
    assert house.process.returncode == 0, said
    assert "Traceback" not in said
    until = time.monotonic() + 20
    while (left := [pid for pid in everyone if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert not left
    assert house("ps", "--json").error["code"] == "setup.not_ready"
