"""What the page that closes a position says of a delisted share: its price, and what closing at it makes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from approvals import exits
from approvals.execution.settlement import is_by_the_broker
from approvals.positions import Position, delisted
from approvals.positions.delisted import ByHand
from desk.forms import SettlementForm
from market.models import Instrument


def terms(
    wanted: Mapping[str, Any], position: Position, instrument: Instrument, at: datetime
) -> dict[str, Any]:
    """Return what it is closed at: the price that is wanted, else the one that is known.

    `wanted`: the form as it was filled in, without a price before that. `reason`: why it is that price;
    empty where the user has to say so.
    """
    known, by_the_broker = delisted.settlement(instrument, at), is_by_the_broker()
    initial = {"price": known and f"{known.price.normalize():f}", "on": instrument.delisted_on}
    form = SettlementForm(wanted if "price" in wanted else None, initial=initial)
    is_wanted = form.is_bound and form.is_valid()
    by_hand = form.by_hand if is_wanted else known and ByHand(known.price)
    price = by_hand and by_hand.price
    why_known = known.reason if known and known.price == price and not by_the_broker else ""
    return {
        "form": form,
        "known": known,
        "by_the_broker": by_the_broker,
        "by_hand": by_hand,
        "reason": (is_wanted and form.cleaned_data["notes"]) or why_known,
        "result": None if price is None else position.result_at(price),
        "cash": None if price is None else price * exits.shares_to_close(position, at),
    }
