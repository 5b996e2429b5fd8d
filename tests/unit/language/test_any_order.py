"""Chinese, Japanese and Korean: the words of a sentence in any order, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from alicia.contracts.devices import Value
from alicia.errors import AliciaError
from alicia.home import demo
from alicia.home.model import Home
from alicia.language.follow_ups import topic_of
from alicia.language.plan import Plan
from alicia.language.understanding import Understanding

Understandings = Callable[[str], Understanding]

DONE: list[tuple[str, str, str, Value]] = [
    ("zh", "落地灯给我打开一下吧", "light.living_room_lamp power", True),
    ("zh", "幫我把書桌燈打開", "light.office_desk power", True),
    ("zh", "书房的台灯开一下", "light.office_desk power", True),
    ("zh", "把走廊灯亮度降到百分之十五", "light.hallway brightness", 15.0),
    ("zh", "走廊灯亮度降低百分之十", "light.hallway brightness", -10.0),
    ("zh", "把温度调高两度", "climate.thermostat target_temperature", 2.0),
    ("zh", "室内温度调到二十度半", "climate.thermostat target_temperature", 20.5),
    ("zh", "太晚了,把走廊灯关掉", "light.hallway power", False),
    ("zh", "锁门", "lock.front_door locked", True),
    ("zh", "床头灯暗一点，二十就行", "light.bedside_lamp brightness", 20.0),
    ("zh", "床头灯降到两成", "light.bedside_lamp brightness", 20.0),
    ("zh", "走廊灯再暗那么一丢丢", "light.hallway brightness", -20.0),
    ("zh", "卧室百叶窗再开大一点", "cover.bedroom_blinds position", 20.0),
    ("zh", "吊扇开低速", "fan.bedroom speed", 10.0),
    ("zh", "书房冷 取暖器打开", "switch.office_heater power", True),
    ("zh", "收衣服 院子灯开一下", "light.garden power", True),
    ("zh", "咖啡机忘了关", "switch.coffee_machine power", False),
    ("zh", "洗衣机洗完了把它关掉", "switch.washing_machine power", False),
    ("zh", "走之前把走廊灯关了", "light.hallway power", False),
    ("ja", "廊下の電気、もう消しちゃって", "light.hallway power", False),
    ("ja", "フロアランプつけてもらえると助かる", "light.living_room_lamp power", True),
    ("ja", "暖房を2度下げて", "climate.thermostat target_temperature", -2.0),
    ("ja", "暖房を19度に下げて", "climate.thermostat target_temperature", 19.0),
    ("ja", "廊下の照明を10パーセント明るくして", "light.hallway brightness", 10.0),
    ("ja", "雨が降りそうだから寝室のカーテン閉めて", "cover.bedroom_blinds position", 0.0),
    ("ja", "シャッター下ろして", "cover.garage_door position", 0.0),
    ("ko", "복도불좀꺼줄래요", "light.hallway power", False),
    ("ko", "온도 두 도 올려줘", "climate.thermostat target_temperature", 2.0),
    ("ko", "보일러를 십구 도로 낮춰 줘", "climate.thermostat target_temperature", 19.0),
    ("ko", "복도 불 10퍼센트 더 밝게", "light.hallway brightness", 10.0),
    ("ko", "손님 오니까 현관 불 켜줘", "light.hallway power", True),
    ("ko", "선풍기 바람 좀 더 세게 해줘", "fan.bedroom speed", 20.0),
]
NOTHING = [
    ("zh", "别开走廊灯"),
    ("zh", "走廊灯不用关"),
    ("zh", "如果下雨就把卧室窗帘关上"),
    ("zh", "车库门打开了"),
    ("zh", "门锁了吧"),
    ("zh", "你把车库门打开了"),
    ("zh", "车库门能打开"),
    ("zh", "你关灯了"),
    ("zh", "红色的灯"),
    ("zh", "今天好冷"),
    ("ja", "電気つけてあげて"),
    ("ja", "ガレージ開けてある"),
    ("ko", "불 켜지"),
    ("ko", "오늘 추워"),
    ("ko", "밝아"),
    ("zh", "把温度调到"),
    ("zh", "少开灯"),
    ("zh", "我在关灯"),
    ("zh", "关灯睡觉是好习惯"),
    ("zh", "洗衣机是新的"),
    ("zh", "除了床头灯"),
    ("ja", "廊下の電気消さないで"),
    ("ja", "廊下の電気消したよ"),
    ("ja", "暗くなったら庭のライトをつけて"),
    ("ja", "電気を消してから寝る"),
    ("ja", "ガレージを開けなくていい"),
    ("ko", "복도 불 끄지 마"),
    ("ko", "방금 복도 불 껐어"),
    ("ko", "어두워지면 마당 불 켜줘"),
    ("ko", "현관등 끄고"),
]
FOLLOWED: list[tuple[str, str, str, str, Value]] = [
    ("zh", "打开落地灯", "再暗一点", "light.living_room_lamp brightness", -20.0),
    ("zh", "打开走廊灯", "浴室也一样", "light.bathroom power", True),
    ("ja", "フロアランプつけて", "30%に下げて", "light.living_room_lamp brightness", 30.0),
    ("ja", "扇風機消して", "ヒーターも消して", "switch.office_heater power", False),
    ("ko", "거실 커튼 열어줘", "닫아줘", "cover.living_room_blinds position", 0.0),
    ("ko", "복도 불 켜줘", "욕실 불도", "light.bathroom power", True),
]


def _changes(plan: Plan) -> list[tuple[str, Value]]:
    return [
        (f"{entity} {action.capability}", action.value)
        for action in plan.actions
        for entity in action.entities
    ]


@pytest.mark.parametrize(("language", "text", "what", "value"), DONE)
def test_any_order_and_any_courtesy_asks_for_the_same(
    language: str, text: str, what: str, value: Value, understandings: Understandings, home: Home
) -> None:
    plan = understandings(language).recognize(text, home=home)

    assert _changes(plan) == [(what, value)]
    assert not plan.snapped


@pytest.mark.parametrize(("language", "text"), NOTHING)
def test_what_is_no_command_changes_nothing(
    language: str, text: str, understandings: Understandings, home: Home
) -> None:
    try:
        plan = understandings(language).recognize(text, home=home)
    except AliciaError:
        return
    assert plan.actions == ()


@pytest.mark.parametrize(("language", "first", "then", "what", "value"), FOLLOWED)
def test_what_follows_is_about_what_was_spoken_of(
    language: str,
    first: str,
    then: str,
    what: str,
    value: Value,
    understandings: Understandings,
    home: Home,
) -> None:
    understanding = understandings(language)
    topic = topic_of(understanding.recognize(first, home=home))

    plan = understanding.recognize(then, home=home, topic=topic)

    assert _changes(plan) == [(what, value)]


@pytest.mark.parametrize(
    ("language", "text", "lights"),
    [
        ("zh", "厨房的灯全部关掉", {"light.kitchen", "light.kitchen_counter"}),
        ("ja", "キッチンの電気を全部消して", {"light.kitchen", "light.kitchen_counter"}),
        ("ko", "주방 불 전부 꺼줘", {"light.kitchen", "light.kitchen_counter"}),
        ("zh", "楼上的灯都关掉", None),
        ("ja", "二階の電気を消して", None),
        ("ko", "2층 불 다 꺼줘", None),
    ],
)
def test_all_the_lights_of_a_room_or_a_floor(
    language: str,
    text: str,
    lights: set[str] | None,
    understandings: Understandings,
    home: Home,
) -> None:
    upstairs = {e.entity_id for e in home.entities(floor="Upstairs") if e.domain == "light"}

    plan = understandings(language).recognize(text, home=home)

    assert set(plan.entities) == (lights or upstairs)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "关灯,把窗帘拉上"),
        ("ja", "電気消してカーテン閉めて"),
        ("ko", "불 끄고 커튼 쳐줘"),
    ],
)
def test_commands_that_follow_one_another(
    language: str, text: str, understandings: Understandings, home: Home
) -> None:
    plan = understandings(language).recognize(text, home=home, area_id="bedroom")

    assert _changes(plan) == [
        ("light.bedroom_lamp power", False),
        ("light.bedside_lamp power", False),
        ("cover.bedroom_blinds position", 0.0),
    ]


@pytest.mark.parametrize(
    ("language", "whole", "unknown"),
    [
        ("zh", "打开落地灯", "打开落地灯的话"),
        ("ja", "フロアランプつけて", "フロアランプつけてみたくて"),
        ("ko", "거실 스탠드 켜줘", "거실 스탠드 켜줘야 하나"),
    ],
)
def test_a_word_that_stands_for_nothing_makes_it_no_sentence(
    language: str, whole: str, unknown: str, understandings: Understandings, home: Home
) -> None:
    understanding = understandings(language)

    assert understanding.recognize(whole, home=home).entities == ("light.living_room_lamp",)
    with pytest.raises(AliciaError):
        understanding.recognize(unknown, home=home)


SEVERAL: list[tuple[str, str, str, set[str]]] = [
    ("zh", "咖啡机洗衣机都关掉", "kitchen", {"switch.coffee_machine", "switch.washing_machine"}),
    (
        "zh",
        "两个音箱都静音",
        "kitchen",
        {"media_player.kitchen_speaker", "media_player.living_room_speaker"},
    ),
    (
        "zh",
        "把厨房的灯和音乐都关了",
        "bedroom",
        {"light.kitchen", "media_player.kitchen_speaker"},
    ),
    ("zh", "开床头灯 调到三十", "bedroom", {"light.bedside_lamp"}),
    ("zh", "除床头灯外，卧室里别的灯都熄了", "kitchen", {"light.bedroom_lamp"}),
    ("zh", "客厅留着落地灯 其他的关掉", "kitchen", {"light.living_room_ceiling"}),
]


@pytest.mark.parametrize(("language", "text", "area", "things"), SEVERAL)
def test_those_are_meant_that_were_named(
    understandings: Understandings,
    home: Home,
    language: str,
    text: str,
    area: str,
    things: set[str],
) -> None:
    plan = understandings(language).recognize(text, home=home, area_id=area)
    assert {entity for action in plan.actions for entity in action.entities} == things


HOUSE = Path(__file__).parents[2] / "eval" / "mind" / "sentences" / "house" / "home.toml"


@pytest.mark.parametrize(
    ("text", "area", "thing"),
    [
        ("窗帘拉上", "master_bedroom", "cover.roller_shutters"),
        ("窗帘拉上", "attic", "cover.skylight_blind"),
        ("天窗的遮阳帘关上", "kitchen", "cover.skylight_blind"),
    ],
)
def test_what_is_at_the_windows_here_is_meant_before_what_is_called_so_elsewhere(
    text: str, area: str, thing: str
) -> None:
    house = demo.load(HOUSE).picture()
    plan = Understanding("zh").recognize(text, home=house, area_id=area)
    assert [entity for action in plan.actions for entity in action.entities] == [thing]
