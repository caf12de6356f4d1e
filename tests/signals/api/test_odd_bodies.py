"""Whatever is sent, the answer is a backtest that was asked for or a refusal."""

import string
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from market.prices import Timeframe
from tests import make

URL = "/api/v1/backtests/"
WANTED = {"strategy_id": "rsi_momentum_v1", "timeframe": "1d", "symbols": ["AAPL"]}
FIELDS = [
    *["strategy_id", "timeframe", "symbols", "since", "until"],
    *["parameters", "minimum_confidence", "cost_bps", "status"],
]


@pytest.fixture(autouse=True)
def market(db: None) -> None:
    make.only("AAPL", calendar="24/7")
    make.history("AAPL", make.turning(), Timeframe.D1, until=make.T0.replace(hour=0))


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
texts = st.text(st.characters(), max_size=20) | st.dates().map(str) | st.sampled_from(["NaN", "1e999", "\0"])
json = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(string.ascii_letters) | st.sampled_from(["oversold"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(name=st.sampled_from(FIELDS), value=json)
@example("parameters", {"oversold": "1e999"})
@example("parameters", {"\0": 1})
@example("symbols", ["A\0"])
@example("symbols", ["AAPL", "AAPL"])
@example("cost_bps", 10**400)
@example("minimum_confidence", "1e-99")
@example("since", "0001-01-01")
@example("until", "9999-12-31")
def test_no_value_makes_us_fail(trader: APIClient, name: str, value: Any) -> None:
    assert trader.post(URL, WANTED | {name: value}).status_code in (202, 400, 422)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'"x"', b"null", b"{", b'{"cost_bps": 1e999}', b'{"cost_bps": NaN}']
)
def test_a_malformed_body_is_refused(trader: APIClient, body: bytes) -> None:
    answer = trader.post(URL, body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
