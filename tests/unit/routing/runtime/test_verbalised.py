"""What counts as a model's word on how sure it is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.runtime.verbalised import as_confidence, from_logprobs, read_answer


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ('{"answer": "Yes.", "confidence": 0.8}', ("Yes.", 0.8)),
        ('{"confidence": 1, "answer": "Yes."}', ("Yes.", 1.0)),
        ('```json\n{"answer": "Yes.", "confidence": 0}\n```', ("Yes.", 0.0)),
        ('  ```\n{"answer": "```", "confidence": 0.5}\n```  ', ("```", 0.5)),
        ('{"answer": {"total": 3}, "confidence": 0.5}', ('{"total": 3}', 0.5)),
        ('{"answer": "Yes."}', ("Yes.", None)),
        ('{"answer": "Yes.", "confidence": "0.8"}', ("Yes.", None)),
        ('{"answer": "Yes.", "confidence": true}', ("Yes.", None)),
        ('{"answer": "Yes.", "confidence": 80}', ("Yes.", None)),
        ('{"answer": "Yes.", "confidence": -0.1}', ("Yes.", None)),
        ('{"answer": "Yes.", "confidence": NaN}', ("Yes.", None)),
        ('{"answer": "Yes.", "confidence": 1e400}', ("Yes.", None)),
        ("Yes.", ("Yes.", None)),
        ('{"confidence": 0.9}', ('{"confidence": 0.9}', None)),
        ('["Yes.", 0.9]', ('["Yes.", 0.9]', None)),
        ("0.9", ("0.9", None)),
        (
            'Sure! {"answer": "Yes.", "confidence": 0.9}',
            ('Sure! {"answer": "Yes.", "confidence": 0.9}', None),
        ),
    ],
)
def test_answer_and_confidence_are_read_from_the_json_and_never_guessed(
    content: str, read: tuple[str, float | None]
) -> None:
    assert read_answer(content) == read


@given(st.text())
def test_any_text_is_an_answer(content: str) -> None:
    _, confidence = read_answer(content)
    assert confidence is None or 0 <= confidence <= 1


def test_a_nested_answer_does_not_exhaust_the_stack() -> None:
    assert read_answer("[" * 100_000) == ("[" * 100_000, None)


def test_log_probabilities_become_a_mean_probability() -> None:
    assert from_logprobs([math.log(0.9), math.log(0.4)]) == pytest.approx(0.6)
    assert from_logprobs([0.0, 1e-9]) == 1.0
    assert from_logprobs([]) is None
    assert from_logprobs([-0.1, None]) is None
    assert from_logprobs([-0.1, float("-inf")]) is None


def test_only_a_number_from_0_to_1_is_a_confidence() -> None:
    assert [as_confidence(v) for v in (0, 0.5, 1)] == [0.0, 0.5, 1.0]
    assert {as_confidence(v) for v in (True, "0.5", None, 1.01, -0.01, float("nan"), 10**400, [0.5])} == {
        None
    }
