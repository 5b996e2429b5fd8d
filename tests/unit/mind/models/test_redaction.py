from __future__ import annotations

import pytest

from alicia.mind.models.redaction import redacted


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("my PIN is 4711", "4711"),
        ("the PIN of the alarm is 1234, of the door 5678", "5678"),
        ("the PIN for the alarm is 47 11", "47 11"),
        ("mein Passwort ist hunter2", "hunter2"),
        ("password: correct-horse-9", "horse-9"),
        ("the password is swordfish", "swordfish"),
        ("la contraseña es gato77", "gato77"),
        ("le mot de passe est chat123", "chat123"),
        ("il codice dell'allarme è 9921", "9921"),
        ("a senha é 123456", "123456"),
        ("密码是8421", "8421"),
        ("暗証番号は8421です", "8421"),
        ("비밀번호는 8421이에요", "8421"),
        ("write to anna.b+x@mail.example.co.uk", "anna"),
        ("call 0170 1234567", "1234567"),
        ("call +1 (555) 010-9999 now", "010-9999"),
        ("ruf 030/1234567 an", "1234567"),
        ("card 4111 1111 1111 1111", "1111"),
        ("to DE89 3704 0044 0532 0130 00", "0532"),
        ("use xai-abcdef0123456789abcdef", "abcdef"),
        ("use sk-proj-abcdef0123456789", "abcdef"),
        ("bearer eyJhbGciOiJI.eyJzdWIiOiIx.abc", "eyJ"),
        ("hash 0123456789abcdef0123456789abcdef", "abcdef"),
    ],
)
def test_what_is_secret_is_gone(text: str, gone: str) -> None:
    assert gone not in redacted(text)
    assert "[" in redacted(text)
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "set the bedroom to 21.5 degrees at 7:30",
        "what happened on 2026-11-30 12:45",
        "dim the light to 40 % and the lamp to 2700 K",
        "sensor.living_room_temperature_sensor_2_battery: battery=87%",
        "light.0x00158d0001a2b3c4: power=true",
        "turn on the lights in room 101",
        "encode this 3 times",
        "Spiel Lied 99 Luftballons",
        "schalte das Licht in 10 Minuten aus",
        "两千七百开尔文的灯 2700",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text
