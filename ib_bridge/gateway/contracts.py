"""Which contract of IB an instrument of Jax's is."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ib_async import IB, Contract, ContractDetails
from ib_async.wrapper import RequestError

PATIENCE = 15.0
# What IB calls the exchanges that Jax names by their MIC; with one it does not know, IB is asked without.
EXCHANGES: Mapping[str, str] = {
    "XNAS": "NASDAQ",
    "XNYS": "NYSE",
    "ARCX": "ARCA",
    "XASE": "AMEX",
    "BATS": "BATS",
    "XETR": "IBIS",
    "XLON": "LSE",
    "XAMS": "AEB",
    "XPAR": "SBF",
    "XSWX": "EBS",
    "XTSE": "TSE",
}
MICS = {name: mic for mic, name in EXCHANGES.items()}
NO_CONTRACT = 200


class NoContract(Exception):
    """IB has no such contract, or several; the message says which."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """`symbol` in Jax's spelling; `broker_id` is the conId as text and wins over the rest."""

    symbol: str
    currency: str = "USD"
    exchange: str = ""
    kind: str = "STK"
    broker_id: str = ""


class Contracts:
    """Looks contracts up once in each connection."""

    def __init__(self) -> None:
        self._details: dict[Instrument, ContractDetails] = {}

    def forget(self) -> None:
        self._details.clear()

    async def details(self, ib: IB, instrument: Instrument) -> ContractDetails:
        """Return what IB knows of it. Raises NoContract, TimeoutError, ConnectionError."""
        if instrument not in self._details:
            found = await _ask(ib, _contract(instrument))
            self._details[instrument] = _chosen(found, instrument)
        return self._details[instrument]

    async def contract(self, ib: IB, instrument: Instrument) -> Contract:
        """Return the contract, routed by IB's SMART."""
        found = (await self.details(ib, instrument)).contract
        assert found is not None
        routed = Contract(
            conId=found.conId, symbol=found.symbol, secType=found.secType, currency=found.currency
        )
        routed.exchange, routed.primaryExchange = found.exchange or "SMART", found.primaryExchange
        routed.localSymbol, routed.tradingClass = found.localSymbol, found.tradingClass
        return routed


def of_contract(contract: Mapping[str, Any]) -> dict[str, str]:
    """Return IB's contract as an instrument of an answer."""
    exchange = str(contract.get("primaryExchange") or "")
    return {
        "symbol": str(contract.get("symbol", "")).replace(" ", "."),
        "currency": str(contract.get("currency", "")),
        "exchange": MICS.get(exchange, exchange),
        "kind": str(contract.get("secType", "")),
        "broker_id": str(contract.get("conId") or ""),
    }


def _contract(instrument: Instrument) -> Contract:
    if instrument.broker_id:
        return Contract(conId=int(instrument.broker_id), exchange="SMART")
    return Contract(
        symbol=instrument.symbol.replace(".", " "),
        secType=instrument.kind,
        exchange="SMART",
        primaryExchange=EXCHANGES.get(
            instrument.exchange, instrument.exchange if len(instrument.exchange) != 4 else ""
        ),
        currency=instrument.currency,
    )


async def _ask(ib: IB, contract: Contract) -> list[ContractDetails]:
    try:
        return await asyncio.wait_for(ib.reqContractDetailsAsync(contract), PATIENCE)
    except RequestError as refusal:
        if refusal.code == NO_CONTRACT:
            return []
        raise NoContract(f"{refusal.message} ({refusal.code})") from None


def _chosen(found: list[ContractDetails], instrument: Instrument) -> ContractDetails:
    if not found:
        raise NoContract(f"Contract not found for {instrument.symbol or instrument.broker_id}")
    if len({details.contract.conId for details in found if details.contract}) > 1:
        raise NoContract(
            f"{instrument.symbol} is the name of several contracts at IB; give its exchange or conId"
        )
    return found[0]
