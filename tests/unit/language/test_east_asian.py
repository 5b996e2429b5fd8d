"""Chinese, Japanese and Korean as spoken: with reasons, courtesy and hesitation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.contracts.devices import Value
from alicia.errors import AliciaError
from alicia.home.model import Home
from alicia.language.plan import QuestionKind
from alicia.language.understanding import Understanding

Understandings = Callable[[str], Understanding]

DONE: list[tuple[str, str, str, Value]] = [
    ("zh", "好热，把风扇打开", "fan.bedroom power", True),
    ("zh", "客人来了，打开吊灯", "light.living_room_ceiling power", True),
    ("zh", "启动咖啡机", "switch.coffee_machine power", True),
    ("zh", "把走廊灯熄了", "light.hallway power", False),
    ("zh", "能把走廊灯关掉吗", "light.hallway power", False),
    ("zh", "呃，打开，那个，走廊灯", "light.hallway power", True),
    ("zh", "台面灯太亮了", "light.kitchen_counter brightness", -20.0),
    ("zh", "台面灯稍微亮一点", "light.kitchen_counter brightness", 20.0),
    ("zh", "落地灯换个蓝色", "light.living_room_lamp color", "blue"),
    ("zh", "客厅音箱小声点", "media_player.living_room_speaker volume", -10.0),
    ("ja", "暑いから扇風機つけて", "fan.bedroom power", True),
    ("ja", "廊下が暗いから電気つけて", "light.hallway power", True),
    ("ja", "廊下の電気を消してもらってもいい？", "light.hallway power", False),
    ("ja", "コーヒーメーカー起動して", "switch.coffee_machine power", True),
    ("ja", "机のライトがまぶしい", "light.office_desk brightness", -20.0),
    ("ja", "机のライトを一番明るく", "light.office_desk brightness", 100.0),
    ("ja", "フロアランプを赤くして", "light.living_room_lamp color", "red"),
    ("ja", "寝室のブラインド下げて", "cover.bedroom_blinds position", 0.0),
    ("ja", "暖房、20度でお願い", "climate.thermostat target_temperature", 20.0),
    ("ko", "더우니까 선풍기 켜 줘", "fan.bedroom power", True),
    ("ko", "복도가 어두우니까 불 켜 줘", "light.hallway power", True),
    ("ko", "복도 불을 꺼 주시겠어요", "light.hallway power", False),
    ("ko", "커피 머신 시작해 줘", "switch.coffee_machine power", True),
    ("ko", "책상 램프 밝기 육십으로 맞춰 줘", "light.office_desk brightness", 60.0),
    ("ko", "스탠드 조명은 초록색이 좋겠어", "light.living_room_lamp color", "green"),
    ("ko", "거실 불 켜줘 아니 복도 불", "light.hallway power", True),
    ("ko", "스탠드 조명 환하게 켜줘", "light.living_room_lamp power", True),
    ("ko", "복도 불 환하게 켜줘", "light.hallway brightness", 20.0),
    ("ko", "서재 스탠드 켜줘", "light.office_desk power", True),
    ("ko", "공부하자 책상 램프 켜", "light.office_desk power", True),
    ("ko", "책상 램프 색온도 낮춰줘", "light.office_desk color_temperature", 3000.0),
]
ASKED = [
    ("zh", "取暖器还开着没", "switch.office_heater power", True),
    ("zh", "洗衣机还在转吗", "switch.washing_machine power", True),
    ("zh", "我关车库门了吗", "cover.garage_door position", False),
    ("zh", "暖气开着吗", "climate.thermostat power", True),
    ("ja", "ヒーターつけっぱなしじゃない？", "switch.office_heater power", True),
    ("ja", "洗濯機まだ動いてる？", "switch.washing_machine power", True),
    ("ja", "ガレージ閉めたかな", "cover.garage_door position", False),
    ("ja", "暖房ついてる？", "climate.thermostat power", True),
    ("ko", "히터 껐나", "switch.office_heater power", False),
    ("ko", "세탁기 돌아가고 있어?", "switch.washing_machine power", True),
    ("ko", "차고 문 닫았나", "cover.garage_door position", False),
    ("ko", "난방 켜져 있어?", "climate.thermostat power", True),
]
MEASURED = [
    ("zh", "书桌灯亮度是多少", "light.office_desk brightness"),
    ("zh", "外面冷不冷", "sensor.garden_temperature temperature"),
    ("ja", "デスクライトの明るさ教えて", "light.office_desk brightness"),
    ("ja", "外って寒い？", "sensor.garden_temperature temperature"),
    ("ko", "책상 램프 밝기 얼마야", "light.office_desk brightness"),
    ("ko", "밖에 얼마나 추워", "sensor.garden_temperature temperature"),
]
REFUSED = [
    ("zh", "我要走了，别关灯"),
    ("zh", "他要睡了，把灯关了"),
    ("zh", "我要等一下，把灯关了"),
    ("zh", "如果太黑了，打开灯"),
    ("zh", "屏幕太亮了，调暗一点"),
    ("zh", "空调调到二十六度"),
    ("ja", "寝るから電気を消さないで"),
    ("ja", "帰ってから電気消して"),
    ("ja", "帰ったら電気つけて"),
    ("ja", "7時から電気つけて"),
    ("ja", "キッチンの電気を消した"),
    ("ja", "テレビがうるさいから音量下げて"),
    ("ko", "나갈게, 불 끄지 마"),
    ("ko", "나갈 때 불 꺼 줘"),
    ("ko", "불 켜면 안 돼"),
    ("ko", "화면이 너무 밝아"),
    ("ko", "주방 창문 좀 열어 줘"),
    ("ko", "다락 불 켜 줘"),
    ("ko", "딸방 불 꺼"),
    ("ko", "책상 램프 색깔 낮춰"),
    ("ko", "빨리 와"),
    ("ko", "거실 불 그대로 둬"),
    ("ko", "난방을 켜도 추워"),
    ("ko", "침대 램프 회색으로 해줘"),
]
SEVERAL = [
    (
        "침실 램프 켜고 침대 램프는 파란색으로",
        [("light.bedroom_lamp power", True), ("light.bedside_lamp color", "blue")],
    ),
    (
        "거실 램프 30프로 책상 램프 50프로",
        [("light.living_room_lamp brightness", 30.0), ("light.office_desk brightness", 50.0)],
    ),
    (
        "거실 불 꺼줘 그리고 현관문 잠가줘",
        [
            ("light.living_room_lamp power", False),
            ("light.living_room_ceiling power", False),
            ("lock.front_door locked", True),
        ],
    ),
    (
        "거실 불 다 끄고 스탠드만 켜",
        [("light.living_room_ceiling power", False), ("light.living_room_lamp power", True)],
    ),
    (
        "램프 두 개 다 꺼 침실에 있는 거",
        [("light.bedroom_lamp power", False), ("light.bedside_lamp power", False)],
    ),
]


@pytest.mark.parametrize(("language", "said", "what", "value"), DONE)
def test_one_thing_is_done(
    understandings: Understandings, home: Home, language: str, said: str, what: str, value: Value
) -> None:
    plan = understandings(language).recognize(said, home=home, area_id="kitchen")
    done = [(f"{e} {a.capability}", a.value) for a in plan.actions for e in a.entities]
    assert done == [(what, value)]


@pytest.mark.parametrize(("language", "said", "what", "wanted"), ASKED)
def test_a_state_is_asked_for(
    understandings: Understandings, home: Home, language: str, said: str, what: str, wanted: Value
) -> None:
    plan = understandings(language).recognize(said, home=home)
    assert plan.question is not None
    assert plan.question.kind is QuestionKind.IS
    assert (f"{plan.question.entities[0]} {plan.question.capability}", plan.question.wanted) == (
        what,
        wanted,
    )


@pytest.mark.parametrize(("language", "said", "what"), MEASURED)
def test_a_value_is_asked_for(
    understandings: Understandings, home: Home, language: str, said: str, what: str
) -> None:
    question = understandings(language).recognize(said, home=home).question
    assert question is not None
    assert f"{question.entities[0]} {question.capability}" == what


@pytest.mark.parametrize(("language", "said"), REFUSED)
def test_what_asks_for_something_else_is_refused(
    understandings: Understandings, home: Home, language: str, said: str
) -> None:
    with pytest.raises(AliciaError):
        understandings(language).recognize(said, home=home, area_id="kitchen")


@pytest.mark.parametrize(("said", "wanted"), SEVERAL)
def test_what_is_named_after_a_verb_is_told_something_else(
    understandings: Understandings, home: Home, said: str, wanted: list[tuple[str, Value]]
) -> None:
    plan = understandings("ko").recognize(said, home=home)
    assert [(f"{e} {a.capability}", a.value) for a in plan.actions for e in a.entities] == wanted


@pytest.mark.parametrize(
    ("language", "said"),
    [("ko", "복도로 갈게 불 켜줘"), ("en", "I'm going to the hallway, turn the light on")],
)
def test_a_light_is_turned_on_where_somebody_goes(
    understandings: Understandings, home: Home, language: str, said: str
) -> None:
    plan = understandings(language).recognize(said, home=home)
    assert plan.entities == ("light.hallway",)
