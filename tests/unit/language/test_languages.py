"""The eight other languages, in a small home whose things have their names.

Its names are default names: a home may be named in one language alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import pytest
from tests.loaded import understanding
from tests.rows import rows

from alicia.contracts.devices import (
    Area,
    Capability,
    Entity,
    EntityState,
    Kind,
    OutcomeKind,
    Result,
    Value,
)
from alicia.errors import NotUnderstoodError
from alicia.home.model import Home
from alicia.language.answers import answer
from alicia.language.understanding import Understanding


@dataclass(frozen=True)
class Names:
    kitchen: str
    bedroom: str
    lamp: str
    blinds: str
    thermostat: str
    door: str


NAMES = {
    "de": Names(
        "Küche", "Schlafzimmer", "Küchenlampe", "Schlafzimmer Rollladen", "Thermostat", "Haustür"
    ),
    "es": Names(
        "Cocina",
        "Dormitorio",
        "Lámpara de la cocina",
        "Persiana del dormitorio",
        "Termostato",
        "Puerta principal",
    ),
    "fr": Names(
        "Cuisine",
        "Chambre",
        "Lampe de la cuisine",
        "Volet de la chambre",
        "Thermostat",
        "Porte d'entrée",
    ),
    "it": Names(
        "Cucina",
        "Camera",
        "Lampada della cucina",
        "Tapparella della camera",
        "Termostato",
        "Porta di ingresso",
    ),
    "pt": Names(
        "Cozinha",
        "Quarto",
        "Lâmpada da cozinha",
        "Persiana do quarto",
        "Termostato",
        "Porta da frente",
    ),
    "zh": Names("厨房", "卧室", "厨房灯", "卧室窗帘", "恒温器", "前门"),
    "ja": Names(
        "キッチン", "寝室", "キッチンライト", "寝室のブラインド", "サーモスタット", "玄関ドア"
    ),
    "ko": Names("부엌", "침실", "부엌 조명", "침실 블라인드", "온도조절기", "현관문"),
}

LAMP, BLINDS, HEAT, DOOR = "light.kitchen", "cover.bedroom", "climate.home", "lock.door"
ON = (LAMP, "power", True)
OFF = (LAMP, "power", False)
BEDROOM_OFF = ("light.bedroom", "power", False)
OPEN = (BLINDS, "position", 100.0)
WARM = (HEAT, "target_temperature", 22.0)
DIM = (LAMP, "brightness", 30.0)
BLUE = (LAMP, "color", "blue")
LOCK = (DOOR, "locked", True)

COMMANDS: list[tuple[str, str, tuple[str, str, Value]]] = [
    ("de", "Schalte die Küchenlampe ein.", ON),
    ("de", "mach die Küchenlampe aus", OFF),
    ("de", "Schalte das Licht im Schlafzimmer aus.", BEDROOM_OFF),
    ("de", "öffne den Schlafzimmer Rollladen", OPEN),
    ("de", "Stelle das Thermostat auf 22 Grad.", WARM),
    ("de", "stelle das Thermostat auf 22°C", WARM),
    ("de", "stelle die Küchenlampe auf dreißig Prozent", DIM),
    ("de", "mache die Küchenlampe blau", BLUE),
    ("de", "schließe die Haustür ab", LOCK),
    ("es", "Enciende la lámpara de la cocina.", ON),
    ("es", "apaga la lámpara de la cocina", OFF),
    ("es", "apaga las luces del dormitorio", BEDROOM_OFF),
    ("es", "abre la persiana del dormitorio", OPEN),
    ("es", "pon el termostato a 22 grados", WARM),
    ("es", "pon la lámpara de la cocina al treinta por ciento", DIM),
    ("es", "pon la lámpara de la cocina en azul", BLUE),
    ("es", "bloquea la puerta principal", LOCK),
    ("fr", "Allume la lampe de la cuisine.", ON),
    ("fr", "éteins la lampe de la cuisine", OFF),
    ("fr", "éteins les lumières de la chambre", BEDROOM_OFF),
    ("fr", "ouvre le volet de la chambre", OPEN),
    ("fr", "règle le thermostat à 22 degrés", WARM),
    ("fr", "règle la lampe de la cuisine à trente pour cent", DIM),
    ("fr", "mets la lampe de la cuisine en bleu", BLUE),
    ("fr", "verrouille la porte d’entrée", LOCK),
    ("it", "Accendi la lampada della cucina.", ON),
    ("it", "spegni la lampada della cucina", OFF),
    ("it", "spegni le luci in camera", BEDROOM_OFF),
    ("it", "apri la tapparella della camera", OPEN),
    ("it", "imposta il termostato a 22 gradi", WARM),
    ("it", "imposta la lampada della cucina al trenta per cento", DIM),
    ("it", "imposta la lampada della cucina su blu", BLUE),
    ("it", "chiudi a chiave la porta di ingresso", LOCK),
    ("pt", "Ligue a lâmpada da cozinha.", ON),
    ("pt", "apague a lâmpada da cozinha", OFF),
    ("pt", "apague as luzes do quarto", BEDROOM_OFF),
    ("pt", "abra a persiana do quarto", OPEN),
    ("pt", "ajuste o termostato para 22 graus", WARM),
    ("pt", "ajuste o brilho da lâmpada da cozinha para trinta por cento", DIM),
    ("pt", "mude a lâmpada da cozinha para azul", BLUE),
    ("pt", "tranque a porta da frente", LOCK),
    ("zh", "打开厨房灯。", ON),
    ("zh", "关闭厨房灯", OFF),
    ("zh", "关掉卧室的灯", BEDROOM_OFF),
    ("zh", "打开卧室窗帘", OPEN),
    ("zh", "把恒温器调到22度", WARM),
    ("zh", "把厨房灯亮度调到百分之三十", DIM),
    ("zh", "把厨房灯调成蓝色", BLUE),
    ("zh", "锁上前门", LOCK),
    ("ja", "キッチンライトをつけて。", ON),
    ("ja", "キッチンライトを消して", OFF),
    ("ja", "寝室の電気を消して", BEDROOM_OFF),
    ("ja", "寝室のブラインドを開けて", OPEN),
    ("ja", "サーモスタットを22度に設定して", WARM),
    ("ja", "キッチンライトの明るさを30%にして", DIM),
    ("ja", "キッチンライトを青にして", BLUE),
    ("ja", "玄関ドアの鍵をかけて", LOCK),
    ("ko", "부엌 조명 켜줘.", ON),
    ("ko", "부엌 조명을 꺼 줘", OFF),
    ("ko", "침실 불 꺼줘", BEDROOM_OFF),
    ("ko", "침실 블라인드 열어줘", OPEN),
    ("ko", "온도조절기를 22도로 설정해줘", WARM),
    ("ko", "부엌 조명 밝기를 30퍼센트로 설정해줘", DIM),
    ("ko", "부엌 조명을 파란색으로 바꿔줘", BLUE),
    ("ko", "현관문 잠가줘", LOCK),
]

QUESTIONS = [
    ("de", "ist die Haustür abgeschlossen", DOOR),
    ("de", "wie warm ist es im Schlafzimmer", "sensor.bedroom"),
    ("es", "¿está cerrada la puerta principal?", DOOR),
    ("es", "¿qué temperatura hace en el dormitorio?", "sensor.bedroom"),
    ("fr", "est-ce que la porte d'entrée est verrouillée", DOOR),
    ("fr", "quelle est la température dans la chambre ?", "sensor.bedroom"),
    ("it", "la porta di ingresso è chiusa a chiave", DOOR),
    ("it", "qual è la temperatura in camera?", "sensor.bedroom"),
    ("pt", "a porta da frente está trancada?", DOOR),
    ("pt", "qual é a temperatura no quarto", "sensor.bedroom"),
    ("zh", "前门锁了吗", DOOR),
    ("zh", "卧室的温度是多少？", "sensor.bedroom"),
    ("ja", "玄関ドアの鍵は閉まっていますか", DOOR),
    ("ja", "寝室の温度は", "sensor.bedroom"),
    ("ko", "현관문 잠겼어", DOOR),
    ("ko", "침실 온도가 몇 도야", "sensor.bedroom"),
]

OUT_OF_DOMAIN = [
    ("de", "das Wetter auf dem Boot ist schön"),
    ("de", "danke"),
    ("de", "die Küchenlampe gefällt mir"),
    ("de", "Küchenlampe"),
    ("es", "el tiempo en el barco es bonito"),
    ("es", "me gusta la lámpara de la cocina"),
    ("es", "lámpara de la cocina"),
    ("fr", "il fait beau sur le bateau"),
    ("fr", "j'aime bien la lampe de la cuisine"),
    ("it", "il tempo sulla barca è bello"),
    ("it", "mi piace la lampada della cucina"),
    ("pt", "o tempo no barco está bom"),
    ("pt", "gosto da lâmpada da cozinha"),
    ("zh", "今天天气很好"),
    ("zh", "我喜欢厨房灯"),
    ("ja", "今日はいい天気ですね"),
    ("ja", "キッチンライトが好きです"),
    ("ko", "오늘 날씨가 좋네요"),
    ("ko", "부엌 조명이 마음에 들어요"),
]


@lru_cache
def home(language: str) -> Home:
    names = NAMES[language]
    home = Home()
    home.put_area(Area(area_id="kitchen", name=names.kitchen))
    home.put_area(Area(area_id="bedroom", name=names.bedroom))
    power = Capability(name="power", kind=Kind.SWITCH)
    light = [
        power,
        Capability(name="brightness", kind=Kind.NUMBER, unit="%"),
        Capability(name="color", kind=Kind.COLOR),
    ]
    target = Capability(name="target_temperature", kind=Kind.NUMBER, unit="°C")
    temperature = Capability(name="temperature", kind=Kind.NUMBER, unit="°C", writable=False)
    position = Capability(name="position", kind=Kind.NUMBER, unit="%")
    locked = Capability(name="locked", kind=Kind.SWITCH)
    for entity_id, name, area_id, capabilities, values in (
        (LAMP, names.lamp, "kitchen", light, {"power": False}),
        ("light.bedroom", "Xanadu", "bedroom", light, {"power": True}),
        (BLINDS, names.blinds, "bedroom", [position], {"position": 0.0}),
        (HEAT, names.thermostat, "kitchen", [target, temperature], {"temperature": 20.0}),
        (DOOR, names.door, "kitchen", [locked], {"locked": True}),
        ("sensor.bedroom", "Quux", "bedroom", [temperature], {"temperature": 18.5}),
    ):
        home.put_entity(
            Entity(
                entity_id=entity_id,
                domain=entity_id.partition(".")[0],
                name=name,
                area_id=area_id,
                device_id=entity_id,
                adapter="virtual",
                capabilities=capabilities,
                device_class="blind" if entity_id == BLINDS else None,
                protected=entity_id == DOOR,
            )
        )
        home.put_state(
            EntityState(entity_id=entity_id, available=True, values=dict(values), changed_at=0)
        )
    return home


@rows(("language", "said", "expected"), COMMANDS)
def test_a_command_does_what_it_says_and_its_success_is_said(
    language: str, said: str, expected: tuple[str, str, Value]
) -> None:
    plan = understanding(language).recognize(said, home=home(language), area_id="kitchen")
    entity, capability, value = expected
    (action,) = plan.actions
    assert (action.entities, action.capability, action.value) == ((entity,), capability, value)
    result = Result(
        entity_id=entity, capability=capability, value=value, outcome=OutcomeKind.CONFIRMED
    )
    reply = answer(plan, [result], home(language), language)
    assert len(reply) > 2
    assert "{" not in reply


@rows(("language", "said", "entity"), QUESTIONS)
def test_a_question_is_asked_of_the_right_thing(language: str, said: str, entity: str) -> None:
    plan = understanding(language).recognize(said, home=home(language), area_id="kitchen")
    assert plan.question is not None
    assert plan.question.entities == (entity,)
    reply = answer(plan, [], home(language), language)
    assert reply
    if entity == "sensor.bedroom":
        assert "18" in reply


@rows(("language", "said"), OUT_OF_DOMAIN)
def test_what_is_not_for_the_home_is_rejected(language: str, said: str) -> None:
    with pytest.raises(NotUnderstoodError):
        understanding(language).recognize(said, home=home(language), area_id="kitchen")


@pytest.mark.parametrize(
    ("said", "entity", "capability"),
    [
        ("リビングの天井の電気をもっと明るくして", "light.living_room_ceiling", "brightness"),
        ("寝室のランプをもっと暗くしてください", "light.bedroom_lamp", "brightness"),
    ],
)
def test_more_of_it_in_japanese(
    understandings: Callable[[str], Understanding],
    home: Home,
    said: str,
    entity: str,
    capability: str,
) -> None:
    (action,) = understandings("ja").recognize(said, home=home, area_id="kitchen").actions
    assert (action.entities, action.capability, action.relative) == ((entity,), capability, True)
