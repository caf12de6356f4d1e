"""Polygon's rates of currencies: one request for each pair, of plans that include currencies."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from core.http import Fetched, Request
from market.prices import Feed
from market.providers import wire
from market.providers.rates import Rates, tick

PATH = "/v1/last_quote/currencies"
OFF = "Polygon's plan has no live rates of currencies: they take one that includes currencies"
MILLISECOND = 10**6  # in nanoseconds

Ask = Callable[[Mapping[str, Request]], Fetched]


def fetch(ask: Ask, pairs: Sequence[str]) -> Rates:
    """Return the rates of the pairs. Raises ProviderError when nothing came."""
    fetched = ask({pair: _request(pair) for pair in pairs})
    if any(failure.status == 403 for failure in fetched.failed.values()):
        return Rates([], Feed.LIVE, off=OFF)
    if (failure := wire.why_nothing(fetched)) is not None:
        raise wire.no_answer(failure, of_each=fetched)
    answer = Rates([], Feed.LIVE, declined=list(fetched.declined))
    answer.failed.update({pair: str(why) for pair, why in fetched.failed.items()})
    for pair, page in fetched.answers.items():
        last = wire.part(page.body, "last")
        as_of = wire.from_nanoseconds(wire.number(last.get("timestamp")) * MILLISECOND)
        rate = tick(pair, last.get("bid"), last.get("ask"), as_of)
        if isinstance(rate, str):
            answer.failed[pair] = rate
        else:
            answer.ticks.append(rate)
    return answer


def _request(pair: str) -> Request:
    base, _, term = pair.partition("/")
    return Request(f"{PATH}/{quote(base, safe='')}/{quote(term, safe='')}")
