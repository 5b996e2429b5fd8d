"""What is derived from the contract is committed, whole and valid."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from alicia.contracts import declared
from alicia.contracts.kinds import AudioPayload, Command, Stream
from alicia.runtime import access, asyncapi, derive, reference
from alicia.runtime.roster import declarations

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"


@cache
def document() -> dict[str, Any]:
    return asyncapi.document()


def test_the_generated_files_are_what_the_contract_says() -> None:
    assert not derive.stale(ROOT / derive.FOLDER), "run make generate"


def test_the_asyncapi_document_is_valid_against_the_official_schema() -> None:
    schema = json.loads(gzip.decompress((DATA / "asyncapi-3.0.0.json.gz").read_bytes()))
    validator: Any = Draft7Validator(schema)
    assert [error.message for error in validator.iter_errors(document())] == []


def test_the_official_schema_refuses_a_broken_document() -> None:
    schema = json.loads(gzip.decompress((DATA / "asyncapi-3.0.0.json.gz").read_bytes()))
    validator: Any = Draft7Validator(schema)
    broken = json.loads(json.dumps(document()))
    next(iter(broken["operations"].values()))["action"] = "shout"
    assert not validator.is_valid(broken)


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    def resolve(ref: str) -> Any:
        found: Any = document()
        for part in ref.removeprefix("#/").split("/"):
            found = found[part]
        return found

    for ref in _references(document()):
        assert resolve(ref) is not None, ref


def test_every_topic_is_a_channel_with_its_places_as_parameters() -> None:
    channels = document()["channels"]
    for name, topic in declared().items():
        assert channels[name]["address"] == f"alicia/{topic.pattern}"
        assert tuple(channels[name].get("parameters", {})) == topic.places


def test_every_verb_of_every_service_is_an_operation() -> None:
    expected = {
        f"{service}.{verb}.{name}"
        for service, mine in declarations().items()
        for verb in asyncapi.VERBS
        for name, topic in declared().items()
        if topic in getattr(mine, verb)
    }
    assert set(document()["operations"]) == expected


def test_an_operation_on_a_command_has_its_reply_and_the_error() -> None:
    for key, operation in document()["operations"].items():
        topic = declared()[key.rpartition(".")[2]]
        assert ("reply" in operation) == isinstance(topic, Command), key
        if isinstance(topic, Command):
            assert len(operation["reply"]["messages"]) == 2


def test_mqtt_bindings_are_those_of_the_kind() -> None:
    for key, operation in document()["operations"].items():
        topic = declared()[key.rpartition(".")[2]]
        binding = operation["bindings"]["mqtt"]
        assert (binding["qos"], binding["retain"]) == (topic.qos, topic.retain), key


def test_audio_is_binary_and_everything_else_json() -> None:
    for name, topic in declared().items():
        (message,) = document()["channels"][name]["messages"].values()
        is_audio = issubclass(topic.payload, AudioPayload)
        assert (message["contentType"] == asyncapi.BINARY) == is_audio
        assert is_audio == isinstance(topic, Stream)


def test_each_payload_schema_is_a_valid_json_schema() -> None:
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_a_fields_description_stands_under_the_field() -> None:
    presence = document()["components"]["schemas"]["Presence"]
    assert presence["properties"]["started_at"]["description"] == "Seconds since the epoch."


def test_the_reference_page_names_every_topic_and_marks_what_is_personal() -> None:
    page = reference.page()
    for name, topic in declared().items():
        assert f"\n### {name}\n" in page
        assert f"`{topic.pattern}`" in page
    assert page.count("*Personal.*") > 10


def test_access_is_never_to_everything() -> None:
    for name, rules in access.derive().items():
        for rule in (*rules.read, *rules.write):
            assert rule == "$SYS/#" or not rule.endswith("#"), (name, rule)
        assert not any(rule.startswith("$") for rule in rules.write)


def test_nobody_writes_presence_in_anothers_name() -> None:
    for name, rules in access.derive().items():
        mine = [rule for rule in rules.write if "/system/presence/" in rule]
        assert mine == [f"alicia/system/presence/{name}/+"]


def test_access_follows_the_root_of_the_house() -> None:
    for rules in access.derive("home/oak/alicia").values():
        for rule in (*rules.read, *rules.write):
            assert rule.startswith(("home/oak/alicia/", "$SYS/"))


def test_what_is_stale_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert derive.main(["--folder", str(tmp_path)]) == 0
    assert derive.main(["--check", "--folder", str(tmp_path)]) == 0
    (tmp_path / "messages.md").write_text("old", "utf-8")
    assert derive.main(["--check", "--folder", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "messages.md" in told
    assert "asyncapi.json" not in told
    assert "run make generate" in told


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for part in value.values() for ref in _references(part)]
    if isinstance(value, list):
        return [ref for part in value for ref in _references(part)]
    return []
