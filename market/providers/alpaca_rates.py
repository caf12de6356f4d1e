"""Alpaca's rates of currencies: many pairs in one request, which few plans have."""

from collections.abc import Callable, Mapping, Sequence

from core.http import Failure, Fetched, Request
from market.prices import Feed
from market.providers import wire
from market.providers.rates import NO_RATE, Rates, tick

PATH = "/v1beta1/forex/latest/rates"
OFF = "Alpaca's plan has no rates of currencies"
UNKNOWN_PAIR = (400, 404, 422)

Ask = Callable[[Mapping[str, Request]], Fetched]


def fetch(ask: Ask, pairs: Sequence[str]) -> Rates:
    """Return the rates of the pairs. Raises ProviderError when nothing came.

    One pair that it does not have may be why it refuses all: then each is asked for by itself.
    """
    fetched = ask({"": _request(pairs)})
    failure = fetched.failed.get("")
    if failure is None:
        return _read(dict.fromkeys(pairs, fetched), lambda pair: "")
    if failure.status in UNKNOWN_PAIR and len(pairs) > 1:
        each = ask({pair: _request([pair]) for pair in pairs})
        _raise_for_all(each)
        return _read(dict.fromkeys(pairs, each), lambda pair: pair)
    if failure.status == 403:
        return Rates([], Feed.LIVE, off=f"{OFF} ({failure})")
    _raise_for_all(fetched)
    return Rates([], Feed.LIVE, failed=dict.fromkeys(pairs, str(failure)))


def _raise_for_all(fetched: Fetched) -> None:
    failure: Failure | None = wire.why_nothing(fetched)
    if failure is not None:
        raise wire.no_answer(failure)


def _request(pairs: Sequence[str]) -> Request:
    return Request(PATH, {"currency_pairs": ",".join(map(_joined, pairs))})


def _joined(pair: str) -> str:
    return pair.replace("/", "")


def _read(fetched: Mapping[str, Fetched], key: Callable[[str], str]) -> Rates:
    answer = Rates([], Feed.LIVE)
    for pair, outcome in fetched.items():
        if key(pair) in outcome.declined:
            answer.declined.append(pair)
        elif (failure := outcome.failed.get(key(pair))) is not None:
            answer.failed[pair] = str(failure)
        else:
            rates = wire.part(outcome.answers[key(pair)].body, "rates")
            row = wire.part(rates, _joined(pair))
            quote = tick(pair, row.get("bp"), row.get("ap"), wire.moment(row.get("t")))
            if isinstance(quote, str):
                answer.failed[pair] = quote if row else f"{NO_RATE} at Alpaca"
            else:
                answer.ticks.append(quote)
    return answer
