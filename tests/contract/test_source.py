"""What no reviewer should have to look for: topics and names in the wrong place.

Who may import whom is `make imports`.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.rows import rows

import alicia
from alicia.contracts import declared
from alicia.runtime.roster import ROOMS, Room

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "alicia"
FILES = sorted(SOURCE.rglob("*.py"))
BANNED = {"utils", "util", "helpers", "helper", "common", "misc"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


# ---- topics -------------------------------------------------------------------------------------


@cache
def starts() -> frozenset[str]:
    """The first two levels of every declared topic."""
    return frozenset("/".join(topic.pattern.split("/")[:2]) for topic in declared().values())


def is_topic(text: str) -> bool:
    relative = text.removeprefix("alicia/")
    if relative != text and re.match(r"(system|voice|devices|advanced)(/|$)", relative):
        return True
    return any(relative == start or relative.startswith(f"{start}/") for start in starts())


def literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """String literals, docstrings and field descriptions left out."""
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, node.value


@rows("path", FILES, ids=named)
def test_no_topic_is_written_outside_the_contract(path: Path) -> None:
    if path.is_relative_to(SOURCE / "contracts"):
        return
    found = [
        f"line {line}: {text!r}"
        for line, text in literals(ast.parse(path.read_text("utf-8")))
        if is_topic(text)
    ]
    assert not found, found


def test_a_written_topic_would_be_found() -> None:
    tree = ast.parse('"""voice/stt/partial"""\nsay(f"alicia/voice/stt/partial/{uid}")')
    assert [text for _, text in literals(tree) if is_topic(text)] == ["alicia/voice/stt/partial/"]


# ---- names --------------------------------------------------------------------------------------


@rows("path", FILES, ids=named)
def test_a_modules_name_says_what_is_in_it(path: Path) -> None:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    assert not BANNED & set(parts)


@rows("path", FILES, ids=named)
def test_no_module_reads_from_the_tests(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"^\s*(from|import) (tests|pytest|hypothesis)\b", text, re.MULTILINE)


# ---- words that must agree ----------------------------------------------------------------------


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    first = re.search(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)
    assert first is not None
    assert first.group(1) == alicia.__version__


def test_the_package_is_of_this_version() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert pyproject["project"]["version"] == alicia.__version__


def test_every_room_has_a_grade_and_only_what_is_built_has_one() -> None:
    page = (ROOT / "docs" / "quality.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w–]+) \|", page, re.MULTILINE))
    assert list(rows) == [entry.name for entry in ROOMS]
    for entry in ROOMS:
        grades = {"–"} if entry.planned else {"wood", "bronze", "silver", "gold", "platinum"}
        assert rows[entry.name] in grades, entry.name


@rows("entry", ROOMS, ids=lambda entry: entry.name)
def test_a_grade_rests_on_tests(entry: Room) -> None:
    page = (ROOT / "docs" / "quality.md").read_text("utf-8")
    if re.search(rf"^\| `{entry.name}` \| (bronze|silver|gold|platinum) \|", page, re.MULTILINE):
        folder = ROOT / "tests" / "unit" / "services" / entry.group
        assert (folder / f"test_{entry.name}.py").exists()


@rows("path", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=named)
def test_a_decision_has_its_five_headings(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.search(r"Date(:|\n\n) ?\d{4}-\d{2}-\d{2}", text)
    assert re.search(r"Status(:|\n\n) ?[Aa]ccepted|Status(:|\n\n) ?[Ss]uperseded", text)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    told = [h for h in headings if h in ("Context", "Decision", "Consequences")]
    assert told == ["Context", "Decision", "Consequences"]
