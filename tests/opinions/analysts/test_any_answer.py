"""Whatever an analyst is answered comes to an opinion that fits or to a failure, and to nothing else."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from opinions.analysts import completion
from opinions.analysts.agent0 import _opinion
from opinions.analysts.base import Action, AnalystFailed
from opinions.analysts.remote import Misfit

NUMBERS = st.integers() | st.floats() | st.sampled_from([0, 1, 10, 30, 62, 100, 0.1, 0.3, -1, 101])
SCALARS = (
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20) | st.sampled_from([*Action, "WATCH", "AAPL"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
CHOICES = st.lists(st.fixed_dictionaries({}, optional={"message": ANYTHING, "finish_reason": ANYTHING}))
TEXTS = st.lists(st.text(st.characters(), max_size=40), max_size=4)


def answer(**usual: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Fields that are mostly as they should be, and sometimes not."""
    return st.fixed_dictionaries({}, optional={name: as_usual | ANYTHING for name, as_usual in usual.items()})


@given(
    answer(
        action=st.sampled_from([*Action]),
        confidence=st.floats(0, 1),
        reasoning=st.text(st.characters(), min_size=1),
        **{"for": TEXTS, "against": TEXTS},
    )
)
def test_a_models_answer(content: dict[str, Any]) -> None:
    try:
        answer = completion.checked(json.dumps(content))
    except Misfit as misfit:
        fit_to_show(str(misfit))
        return
    assert set(answer) == set(content)
    assert answer["action"] in {*Action}
    assert 0 <= answer["confidence"] <= 1
    fit_to_keep(answer["reasoning"], *answer["for"], *answer["against"])


@given(st.text(st.characters()) | ANYTHING.map(json.dumps))
def test_a_models_text(text: str) -> None:
    try:
        completion.checked(text)
    except Misfit as misfit:
        fit_to_show(str(misfit))


@given(st.dictionaries(st.sampled_from(["choices", "usage", "model"]), ANYTHING | CHOICES))
def test_a_completion(content: dict[str, Any]) -> None:
    read = completion.read(json.dumps(content))
    completion.usage_of(read)
    try:
        completion.content_of(read)
    except (Misfit, completion.NoCompletion) as why:
        fit_to_show(str(why))


@given(
    answer(
        symbol=st.just("AAPL"),
        action=st.sampled_from(["BUY", "SELL", "HOLD", "WATCH"]),
        confidence=st.floats(0, 100),
        reasoning=st.text(st.characters(), min_size=1),
        key_factors=TEXTS,
        provider=st.text(),
        model_used=st.text(),
    )
)
def test_an_answer_of_agent0(content: dict[str, Any]) -> None:
    try:
        opinion = _opinion(content, "AAPL", ())
    except (Misfit, AnalystFailed) as why:
        fit_to_show(str(why))
        return
    assert 0 <= opinion.confidence <= 1
    fit_to_keep(opinion.reasoning, opinion.model, *(factor.text for factor in opinion.factors))


def fit_to_keep(*texts: str) -> None:
    for text in texts:
        assert "\0" not in text
        text.encode()


def fit_to_show(why: str) -> None:
    assert len(why) < 400
    fit_to_keep(why)
