"""Stimulus annotations of mozaik, as data."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.annotations import AnnotationError, Call, read_stimulus

LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), LITERALS, max_size=5))
def test_literals_survive(stimulus: dict[str, object]) -> None:
    assert read_stimulus(repr(stimulus)) == stimulus


def test_an_annotation_as_mozaik_writes_it() -> None:
    text = (
        '{"module_path" :"mozaik.stimuli","duration":1000.0, "direct_stimulation_name":\'None\', '
        '"name":\'InternalStimulus\', "trial":0}'
    )
    assert read_stimulus(text) == {
        "module_path": "mozaik.stimuli",
        "duration": 1000.0,
        "direct_stimulation_name": "None",
        "name": "InternalStimulus",
        "trial": 0,
    }


def test_nested_parameter_sets_are_data() -> None:
    text = (
        "{'name': 'InternalStimulus', 'direct_stimulation_parameters': MozaikExtendedParameterSet({'a': "
        "ParameterSet({'b': [1, -2.5]}), 'c': PyNNDistribution('uniform', low=-1, high=1), 'd': (1, 2)})}"
    )
    assert read_stimulus(text)["direct_stimulation_parameters"] == {
        "a": {"b": [1, -2.5]},
        "c": Call("PyNNDistribution", ["uniform"], {"low": -1, "high": 1}),
        "d": [1, 2],
    }


def test_numbers_of_numpy() -> None:
    stimulus = read_stimulus("{'a': np.float64(1.5), 'b': numpy.int64(-3), 'c': array([1, 2]), 'd': -inf, 'e': nan}")
    assert (stimulus["a"], stimulus["b"], stimulus["c"], stimulus["d"]) == (1.5, -3, [1, 2], -math.inf)
    assert math.isnan(stimulus["e"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{'a': open('x')}", "a call of open, which is not made"),
        ("{'a': os.system('x')}", r"a call of os\.system"),
        ("{'a': np.load('x')}", r"a call of np\.load"),
        ("{'a': float64(1)}", "a call of float64"),
        ("{'a': b}", "b is no value"),
        ("{'a': [c for c in 'x']}", "is no value"),
        ("{'a': -'x'}", "a sign before something"),
        ("{a: 1}", "a key that is no literal"),
        ("{1: 1}", "names as keys"),
        ("[1]", "names as keys"),
        ("{'a': 1", "no dict of values"),
        ("{'a': ParameterSet({}, {})}", "a call of ParameterSet with 2 arguments"),
        (None, "expected text, got NoneType"),
    ],
)
def test_what_is_refused(text: object, reason: str) -> None:
    with pytest.raises(AnnotationError, match=reason):
        read_stimulus(text)
