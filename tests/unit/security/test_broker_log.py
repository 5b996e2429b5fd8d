from pathlib import Path

from alicia.security.broker_log import BrokerLog


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    log = BrokerLog(tmp_path / "mosquitto.log")
    assert log.size() == 0
    assert log.since(0) == b""
    assert log.last_lines() == []


def test_it_is_read_from_a_place_on(tmp_path: Path) -> None:
    log = BrokerLog(tmp_path / "mosquitto.log")
    log.path.write_bytes(b"one\n")
    start = log.size()
    with log.path.open("ab") as file:
        file.write(b"two\nthree\n")
    assert log.since(start) == b"two\nthree\n"
    assert log.last_lines(start, count=1) == ["three"]


def test_a_long_log_is_emptied_in_place_and_its_text_kept_beside_it(tmp_path: Path) -> None:
    log = BrokerLog(tmp_path / "mosquitto.log")
    text = b"a line of the broker\n" * 60_000
    with log.path.open("ab", buffering=0) as mosquitto:
        mosquitto.write(text)
        before = log.size()
        log.trim()
        mosquitto.write(b"after\n")
    assert log.since(before) == b"after\n"
    assert (tmp_path / "mosquitto.log.1").read_bytes() == text
    log.trim()
    assert log.since(0) == b"after\n"
