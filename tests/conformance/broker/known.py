"""Cases that are known to fail, by broker, with what is missing. They run; one that passes is taken off."""

from collections.abc import Mapping

ON_PAPER = (
    dict.fromkeys((18, 21, 33, 34, 37, 38, 87), "its reports do not tell legs apart")
    | dict.fromkeys((73, 74, 75, 76, 77, 78, 80, 132), "it takes exits with an entry only")
    | {4: "it has no number"}
)
AT_ALPACA = dict.fromkeys((20, 207), "Alpaca does not say why it rejected an order later") | {
    223: "Alpaca's flags say that an account is blocked, not why"
}
KNOWN: Mapping[str, Mapping[int, str]] = {
    "paper": ON_PAPER,
    "alpaca": AT_ALPACA,
}
