"""How large an order may be."""

from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from approvals.risk import COMMISSION, Cap, Exposure, Limits, Size, size, to_tick

USUAL = Limits(
    risk_per_trade=Decimal("0.01"),
    position=Decimal("0.20"),
    gross=Decimal("1.00"),
    open_risk=Decimal("0.05"),
    positions=10,
    day_loss=Decimal("0.03"),
)
NOTHING_HELD = Exposure(
    capital=Decimal(100_000),
    buying_power=Decimal(100_000),
    gross=Decimal(0),
    open_risk=Decimal(0),
    positions=0,
    day_result=Decimal(0),
)


def sized(entry: str, stop: str, asked: int | None = None, held: str = "0", **exposed: Any) -> Size:
    figures: dict[str, Any] = {
        name: value if name == "positions" else Decimal(value) for name, value in exposed.items()
    }
    exposure = replace(NOTHING_HELD, **figures)
    return size(Decimal(entry), Decimal(stop), USUAL, exposure, asked=asked, held=Decimal(held))


def test_the_risk_per_trade_over_the_distance_to_the_stop() -> None:
    # 1 % of 100,000 is 1,000; over 10 a share: 100 shares, worth 10,000 of the 20,000 that are allowed.
    assert sized("100", "90") == Size(100, Decimal(1_000), ())


def test_shares_are_whole_and_the_true_risk_is_told() -> None:
    assert sized("100", "93") == Size(142, Decimal(994), ())


def test_a_short_is_sized_alike() -> None:
    assert sized("100", "110") == Size(100, Decimal(1_000), ())


@pytest.mark.parametrize(
    ("exposed", "quantity", "cap"),
    [
        ({"gross": "95000"}, 50, Cap.GROSS),  # room for 5,000 at 100
        ({"open_risk": "4600"}, 40, Cap.OPEN_RISK),  # room for 400 at 10
        ({"buying_power": "3050"}, 30, Cap.BUYING_POWER),
        ({"positions": 10}, 0, Cap.POSITIONS),
        ({"day_result": "-3000"}, 0, Cap.DAY_LOSS),
        ({"gross": "100001"}, 0, Cap.GROSS),
        ({"open_risk": "7000"}, 0, Cap.OPEN_RISK),
        ({"buying_power": "-5"}, 0, Cap.BUYING_POWER),
    ],
)
def test_each_cap_by_hand(exposed: dict[str, Any], quantity: int, cap: Cap) -> None:
    assert sized("100", "90", **exposed) == Size(quantity, Decimal(quantity * 10), (cap,))


@pytest.mark.parametrize(
    "exposed",
    [
        {"gross": "90000"},
        {"open_risk": "4000"},
        {"buying_power": "10100"},
        {"positions": 9},
        {"day_result": "-2999.99"},
    ],
)
def test_a_cap_that_just_leaves_enough_is_not_named(exposed: dict[str, Any]) -> None:
    assert sized("100", "90", **exposed) == Size(100, Decimal(1_000), ())


def test_one_position_is_worth_a_fifth_at_most() -> None:
    # The risk alone would allow 1,000 shares at a distance of 1.
    assert sized("100", "99") == Size(200, Decimal(200), (Cap.POSITION,))


def test_what_adds_to_a_position_counts_what_is_held_of_it() -> None:
    assert sized("100", "99", held="15000") == Size(50, Decimal(50), (Cap.POSITION,))


def test_what_adds_to_a_position_makes_no_further_one() -> None:
    assert sized("100", "90", held="1000", positions=10).quantity == 100


def test_a_position_worth_less_than_a_dollar_is_a_position_to_add_to() -> None:
    assert sized("100", "90", held="0.40", positions=10).quantity == 100


def test_all_caps_that_bit_are_named_and_no_others() -> None:
    result = sized("100", "90", gross="95000", buying_power="5050", open_risk="4000")
    assert result == Size(50, Decimal(500), (Cap.GROSS, Cap.BUYING_POWER))


def test_a_cap_that_another_made_needless_is_not_named() -> None:
    assert sized("100", "90", gross="95000", buying_power="3000").caps == (Cap.BUYING_POWER,)


def test_a_person_may_ask_for_less_but_not_for_more() -> None:
    assert sized("100", "90", asked=7) == Size(7, Decimal(70), (Cap.ASKED,))
    assert sized("100", "90", asked=101) == Size(100, Decimal(1_000), ())


@pytest.mark.parametrize("asked", [0, -3])
def test_a_person_who_asks_for_no_share_gets_none(asked: int) -> None:
    assert sized("100", "90", asked=asked) == Size(0, Decimal(0), (Cap.ASKED,))


def test_no_rounding_makes_a_share_of_money_that_is_too_little_by_a_hair() -> None:
    assert sized("100", "90", buying_power=f"299.{'9' * 32}").quantity == 2


def test_a_share_that_risks_too_much_is_none_at_all() -> None:
    assert sized("3000", "1900") == Size(0, Decimal(0), ())


@pytest.mark.parametrize(("entry", "stop"), [("0", "1"), ("-1", "1"), ("1", "0"), ("1", "-1"), ("5", "5")])
def test_prices_that_make_no_sense_are_refused(entry: str, stop: str) -> None:
    with pytest.raises(ValueError, match="no size between"):
        sized(entry, stop)


cents = st.integers(1, 1_000_000).map(lambda n: Decimal(n) / 100)
money = st.integers(-(10**9), 10**9).map(lambda n: Decimal(n) / 100)
shares_of_capital = st.integers(0, 20_000).map(lambda n: Decimal(n) / 10_000)
limits = st.builds(
    Limits,
    risk_per_trade=shares_of_capital,
    position=shares_of_capital,
    gross=shares_of_capital,
    open_risk=shares_of_capital,
    positions=st.integers(0, 20),
    day_loss=shares_of_capital,
)
exposures = st.builds(
    Exposure,
    capital=money,
    buying_power=money,
    gross=money.map(abs),
    open_risk=money.map(abs),
    positions=st.integers(0, 20),
    day_result=money,
    values=st.just({}),
)


@given(cents, cents, limits, exposures, st.none() | st.integers(-5, 10_000), money.map(abs))
def test_no_limit_is_ever_passed(
    entry: Decimal, stop: Decimal, limits: Limits, exposure: Exposure, asked: int | None, held: Decimal
) -> None:
    assume(entry != stop)
    result = size(entry, stop, limits, exposure, asked=asked, held=held)
    worth, capital = result.quantity * entry, exposure.capital
    assert result.quantity >= 0
    assert result.risk == result.quantity * abs(entry - stop)
    assert result.quantity == 0 or (
        result.risk <= capital * limits.risk_per_trade
        and held + worth <= capital * limits.position
        and exposure.gross + worth <= capital * limits.gross
        and exposure.open_risk + result.risk <= capital * limits.open_risk
        and worth <= exposure.buying_power
        and (exposure.positions < limits.positions or held > 0)
        and exposure.day_result > -capital * limits.day_loss
        and (asked is None or result.quantity <= asked)
    )


@given(cents, cents, limits, exposures)
def test_one_share_more_would_pass_a_limit(
    entry: Decimal, stop: Decimal, limits: Limits, exposure: Exposure
) -> None:
    assume(entry != stop)
    result = size(entry, stop, limits, exposure)
    one_more, capital, per_share = result.quantity + 1, exposure.capital, abs(entry - stop)
    assert (
        one_more * per_share > capital * limits.risk_per_trade
        or one_more * entry > capital * limits.position
        or one_more * entry * (1 + COMMISSION) > exposure.buying_power
        or exposure.gross + one_more * entry > capital * limits.gross
        or exposure.open_risk + one_more * per_share > capital * limits.open_risk
        or exposure.positions >= limits.positions
        or exposure.day_result <= -capital * limits.day_loss
    )


@given(
    cents,
    cents,
    limits,
    exposures,
    st.sampled_from(["risk_per_trade", "position", "gross", "open_risk", "positions", "day_loss"]),
    st.integers(1, 5),
)
def test_a_wider_limit_never_makes_an_order_smaller(
    entry: Decimal, stop: Decimal, limits: Limits, exposure: Exposure, name: str, more: int
) -> None:
    assume(entry != stop and exposure.capital >= 0)
    wider = replace(limits, **{name: getattr(limits, name) + more})
    assert size(entry, stop, wider, exposure).quantity >= size(entry, stop, limits, exposure).quantity


@given(cents, cents, limits, exposures)
def test_long_and_short_are_alike(entry: Decimal, stop: Decimal, limits: Limits, exposure: Exposure) -> None:
    mirrored = entry + (entry - stop)
    assume(mirrored > 0 and entry != stop)
    assert size(entry, stop, limits, exposure) == size(entry, mirrored, limits, exposure)


@given(cents, cents, limits, exposures)
def test_a_cap_is_named_only_when_lifting_it_makes_more_room(
    entry: Decimal, stop: Decimal, limits: Limits, exposure: Exposure
) -> None:
    assume(entry != stop and exposure.capital > 0)
    result = size(entry, stop, limits, exposure)
    much = Decimal(10**9)
    boundless = replace(
        limits, position=much, gross=much, open_risk=much, positions=10**9, strategy=much, group=much
    )
    free = replace(exposure, buying_power=Decimal(10**12), day_result=Decimal(0))
    lifted = size(entry, stop, replace(boundless, day_loss=Decimal(1)), free)
    assert bool(result.caps) == (lifted.quantity > result.quantity)


CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("price", "rounding", "rounded"),
    [
        ("186.224", None, "186.22"),
        ("186.226", None, "186.23"),
        ("186.229", ROUND_FLOOR, "186.22"),
        ("186.221", ROUND_CEILING, "186.23"),
        ("186.22", ROUND_FLOOR, "186.22"),
        ("0.004", None, "0.00"),
    ],
)
def test_prices_are_rounded_to_the_tick(price: str, rounding: str | None, rounded: str) -> None:
    options = {} if rounding is None else {"rounding": rounding}
    assert to_tick(Decimal(price), CENT, **options) == Decimal(rounded)


def test_a_tick_need_not_be_a_power_of_ten() -> None:
    assert to_tick(Decimal("100.13"), Decimal("0.05")) == Decimal("100.15")


def test_a_rounded_price_has_the_places_of_its_tick() -> None:
    assert str(to_tick(Decimal(182), Decimal("0.010000"))) == "182.000000"


def test_a_tick_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a tick of 0"):
        to_tick(Decimal(1), Decimal(0))


@given(cents, st.sampled_from(["0.01", "0.05", "0.25", "0.0001"]).map(Decimal))
def test_a_rounded_price_is_less_than_a_tick_away_on_the_side_asked_for(
    price: Decimal, tick: Decimal
) -> None:
    below, above = to_tick(price, tick, ROUND_FLOOR), to_tick(price, tick, ROUND_CEILING)
    assert price - tick < below <= price <= above < price + tick
    assert below % tick == above % tick == 0
