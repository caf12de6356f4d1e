"""Cases that are known to fail, by broker, with what is missing. They run; one that passes is taken off."""

from collections.abc import Mapping

AT_ALPACA = dict.fromkeys((20, 207), "Alpaca does not say why it rejected an order later") | {
    223: "Alpaca's flags say that an account is blocked, not why"
}
KNOWN: Mapping[str, Mapping[int, str]] = {
    "alpaca": AT_ALPACA,
}
