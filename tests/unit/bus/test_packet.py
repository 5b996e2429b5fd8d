import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from alicia.bus.packet import matches

LEVELS = st.lists(st.sampled_from(["a", "b", "", "long name"]), min_size=1, max_size=5)
FILTERS = st.lists(st.sampled_from(["a", "b", "", "+"]), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("filter_", "topic", "fits"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a", False),
        ("a", "a/b", False),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("+/b", "a/b", True),
        ("a/+/c", "a/b/c", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("#", "a/b", True),
        ("#", "$SYS/uptime", False),
        ("+/uptime", "$SYS/uptime", False),
        ("$SYS/#", "$SYS/uptime", True),
        ("+", "", True),
    ],
)
def test_a_filter_fits_as_the_standard_says(filter_: str, topic: str, fits: bool) -> None:
    assert matches(filter_, topic) is fits


@given(FILTERS, st.booleans(), LEVELS)
def test_a_filter_fits_as_paho_says(wanted: list[str], rest: bool, parts: list[str]) -> None:
    filter_, topic = "/".join([*wanted, "#"] if rest else wanted), "/".join(parts)
    if not filter_ or not topic:
        return
    assert matches(filter_, topic) == topic_matches_sub(filter_, topic)
