"""Replies: what people say when they are asked for a PIN, or whether they are sure.

No grammar and no model: a reply counts only where nothing else was said with it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from unicode_rbnf import RbnfEngine

from alicia.language.tables import base_language

_SIGNS = ("zh", "ja", "ko")
"""Languages whose digits are read sign by sign."""
_LONGEST_NUMBER = 4
"""Words of a number below a hundred: "quatre-vingt-dix-neuf"."""
_MOSTLY = 0.5

# 0 to 9, each with what it may be heard as.
_DIGITS = {
    "en": "zero oh o nought null|one won|two to too|three|four for fore|five|six|seven|eight ate|"
    "nine",
    "de": "null|eins ein eine|zwei zwo|drei|vier|fünf|sechs|sieben|acht|neun",
    "es": "cero|uno un una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve",
    "fr": "zéro|un une|deux|trois|quatre|cinq|six|sept|huit|neuf",
    "it": "zero|uno un una|due|tre|quattro|cinque|sei|sette|otto|nove",
    "pt": "zero|um uma|dois duas|três|quatro|cinco|seis meia|sete|oito|nove",
    "zh": "零 〇 洞 令|一 幺 壹 要|二 两 贰|三 叁|四 肆|五 伍|六 陆|七 柒|八 捌|九 玖",
    "ja": "ゼロ 零 れい まる 〇|一 いち イチ|二 ニ に|三 さん サン|四 よん し ヨン|五 ご ゴ|"
    "六 ろく ロク|七 なな しち ナナ|八 はち ハチ|九 きゅう く キュウ",
    "ko": "공 영 제로|일 하나|이 둘|삼 셋|사 넷|오 다섯|육 륙 여섯|칠 일곱|팔 여덟|구 아홉",
}
_AROUND = {
    "en": "my the pin is it its s code number please pins",
    "de": "meine die der pin ist lautet code nummer sie bitte",
    "es": "mi el pin es código codigo número numero clave por favor",
    "fr": "mon le code c est pin numéro numero s il te plait plaît",
    "it": "il mio pin è e codice numero per favore",
    "pt": "o meu pin é e código codigo senha número numero por favor",
    "zh": "我的 密码 是 请 pin",
    "ja": "私の 暗証番号は 暗証番号 パスワードは パスワード です ピンは ピン pin",
    "ko": "제 비밀번호는 비밀번호 입니다 이에요 예요 핀번호 pin",
}
_YES = {
    "en": "yes|yes please|yeah|yep|sure|yes i am|i am sure|do it|yes do it|confirm|confirmed",
    "de": "ja|ja bitte|jawohl|ja klar|ja mach das|sicher|ja sicher|ich bin sicher|bestätigt",
    "es": "sí|sí por favor|claro|seguro|sí claro|estoy seguro|estoy segura|hazlo|confirmo",
    "fr": "oui|oui s'il te plaît|bien sûr|d'accord|je suis sûr|je suis sûre|vas-y|je confirme",
    "it": "sì|sì per favore|certo|sicuro|sono sicuro|sono sicura|fallo|confermo|sì certo",
    "pt": "sim|sim por favor|claro|tenho certeza|com certeza|pode fazer|confirmo|isso mesmo",
    "zh": "是|是的|对|好|好的|确定|确认|要|可以",
    "ja": "はい|はいお願いします|お願いします|ええ|うん|そうです|確認|いいです|よろしいです",
    "ko": "네|예|응|네 부탁해요|그래|맞아요|확인|해 줘|네 해 주세요|좋아요",
}
_NO = {
    "en": "no|no thanks|nope|don't|do not|no don't|leave it|forget it|no thank you",
    "de": "nein|nein danke|nee|lass es|nicht|lieber nicht|vergiss es|doch nicht",
    "es": "no|no gracias|mejor no|déjalo|olvídalo|no lo hagas",
    "fr": "non|non merci|laisse|laisse tomber|oublie|plutôt pas|ne le fais pas",
    "it": "no|no grazie|lascia stare|meglio di no|lascia perdere|non farlo",
    "pt": "não|não obrigado|não obrigada|deixa|deixa pra lá|melhor não|esquece",
    "zh": "不|不要|不用|不是|不了|算了|不行",
    "ja": "いいえ|いや|やめて|やめておく|結構です|だめ|いらない|違います",
    "ko": "아니|아니요|아니오|아뇨|싫어|하지 마|됐어|괜찮아요",
}


def digits_of(text: str, language: str) -> str | None:
    """The digits of a reply that is nothing but digits: `258014`; None for anything else.

    Raises UnsupportedLanguageError.
    """
    base = base_language(language)
    found, left = _read(text, base)
    return found if found and not left else None


def is_mostly_digits(text: str, language: str, *, least: int = 1) -> bool:
    """Whether it may be a PIN that was misheard: so many digits, and hardly other words.

    Raises UnsupportedLanguageError.
    """
    found, left = _read(text, base_language(language))
    return len(found) >= least and len(found) >= _MOSTLY * (len(found) + left)


def is_yes(text: str, language: str) -> bool | None:
    """Whether this is a plain yes, or a plain no; None for anything else.

    Raises UnsupportedLanguageError.
    """
    base = base_language(language)
    said = _whole(text, base)
    if said in _sentences(base, yes=True):
        return True
    return False if said in _sentences(base, yes=False) else None


def _read(text: str, base: str) -> tuple[str, int]:
    """The digits, and how many words (or signs) are none."""
    said = _plain(text)
    around = sorted(map(_plain, _AROUND[base].split()), key=len, reverse=True)
    if base in _SIGNS:
        for part in around:
            said = said.replace(part, " ")
        return _read_signs("".join(said.split()), _digit_words(base))
    words = said.split()
    known = _digit_words(base) | _tens(base)
    found, left, at = "", 0, 0
    while at < len(words):
        for length in range(min(_LONGEST_NUMBER, len(words) - at), 0, -1):
            value = known.get(" ".join(words[at : at + length]))
            if value is not None:
                found += value
                at += length
                break
        else:
            word = words[at]
            at += 1
            if word.isdecimal():
                found += word
            elif word not in around:
                left += 1
    return found, left


def _read_signs(said: str, known: dict[str, str]) -> tuple[str, int]:
    found, left, at = "", 0, 0
    longest = max(map(len, known))
    while at < len(said):
        for length in range(min(longest, len(said) - at), 0, -1):
            part = said[at : at + length]
            value = part if part.isdecimal() else known.get(part)
            if value is not None:
                found += value
                at += length
                break
        else:
            left += 1
            at += 1
    return found, left


def _plain(text: str) -> str:
    """Lower case, ASCII digits, without accents and signs; Hangul and kana stay whole."""
    letters = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    # U+3099 and U+309A make another kana of one; they are no accents.
    kept = "".join(c for c in letters if c in "゙゚" or not unicodedata.combining(c))
    kept = unicodedata.normalize("NFC", kept)
    kept = "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in kept)
    return re.sub(r"[^\w]|_", " ", kept)


@cache
def _digit_words(base: str) -> dict[str, str]:
    return {
        _plain(word): str(digit)
        for digit, words in enumerate(_DIGITS[base].split("|"))
        for word in words.split()
    }


@cache
def _tens(base: str) -> dict[str, str]:
    """10 to 99 as they are written out: "twenty-five"."""
    engine = RbnfEngine.for_language(base)
    return {
        " ".join(_plain(text.replace("\u00ad", "")).split()): str(value)
        for value in range(10, 100)
        for text in engine.format_number(value).text_by_ruleset.values()
    }


@cache
def _sentences(base: str, *, yes: bool) -> frozenset[str]:
    table = _YES if yes else _NO
    return frozenset(_whole(one, base) for one in table[base].split("|"))


def _whole(text: str, base: str) -> str:
    """A sentence as it is compared: recognizers put spaces into signs as they like."""
    return ("" if base in _SIGNS else " ").join(_plain(text).split())
