"""The paper broker's rows of cash: borrow fees, cash in lieu, what people paid in and took out, dividends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from approvals import audit
from approvals.brokers.answers import ChargeKind
from approvals.brokers.base import Charge
from approvals.brokers.paper.carrying import Carried, Line, What
from approvals.brokers.paper.cash_book import Transfer
from approvals.models import BorrowRate, PaperAccount, PaperCharge, PaperDividend, PaperTransfer


@dataclass(frozen=True)
class CashRows:
    """The statement of one account. `name`: the account's, as in PaperAccount."""

    name: str

    def carried(self) -> Sequence[Carried]:
        rows = PaperCharge.objects.filter(account=self.name).order_by("pk")
        return [_carried(row) for row in rows]

    def carry(self, carried: Carried, at: datetime) -> None:
        """Record the charge, in the chain of events, too."""
        line: dict[str, Any] = {"symbol": carried.symbol, "day": carried.line.day}
        of_line = PaperCharge.objects.filter(account=self.name, kind=carried.line.what, **line)
        facts: dict[str, Any] = {
            "quantity": carried.quantity,
            "price": carried.price,
            "rate": carried.rate,
            "nights": carried.nights,
            "cash": carried.cash,
        }
        PaperCharge.objects.create(
            account=self.name,
            kind=carried.line.what,
            number=of_line.count() + 1,
            recorded_at=at,
            **line,
            **facts,
        )
        subject = f"{self.name} {carried.symbol} {carried.line.day}"
        audit.append(f"{carried.line.what} charged", subject, at, **line, **facts)

    def borrow_rate(self, symbol: str) -> Decimal | None:
        return BorrowRate.objects.filter(symbol=symbol).values_list("rate", flat=True).first()

    def transferred(self, until: datetime) -> Decimal:
        rows = PaperTransfer.objects.filter(account=self.name, at__lte=until)
        return Decimal(rows.aggregate(cash=Sum("cash", default=Decimal(0)))["cash"])

    def transfer(self, transfer: Transfer) -> None:
        """Record who moved cash and why, in the chain of events, too."""
        row = PaperTransfer.objects.create(
            account=self.name,
            kind=transfer.kind,
            cash=transfer.cash,
            by_id=transfer.by,
            reason=transfer.reason,
            at=transfer.at,
        )
        audit.append(
            f"paper {transfer.kind}",
            self.name,
            transfer.at,
            by=row.by,
            cash=transfer.cash,
            reason=transfer.reason,
        )

    def charges(self, since: datetime) -> Sequence[Charge]:
        """Return them in the order in which they were written down."""
        currency = PaperAccount.objects.values_list("currency", flat=True).get(name=self.name)
        charges = [*self._dividends(since, currency), *self._carried(since, currency)]
        return sorted([*charges, *self._transfers(since, currency)], key=lambda charge: charge.at)

    def _dividends(self, since: datetime, currency: str) -> Iterator[Charge]:
        rows = PaperDividend.objects.filter(account=self.name, recorded_at__gte=since)
        for row in rows.order_by("pk"):
            what = f"Dividend of {row.symbol}, ex {row.ex_date}"
            name = f"paper-dividend-{row.pk}"
            yield Charge(
                name, row.recorded_at, row.cash, currency, what, symbol=row.symbol, kind=ChargeKind.DIVIDEND
            )

    def _carried(self, since: datetime, currency: str) -> Iterator[Charge]:
        rows = PaperCharge.objects.filter(account=self.name, recorded_at__gte=since).exclude(cash=0)
        for row in rows.order_by("pk"):
            what, name = _carried(row).words, f"paper-charge-{row.pk}"
            kind = ChargeKind.BORROW if row.kind == What.BORROW else ChargeKind.OTHER
            yield Charge(name, row.recorded_at, row.cash, currency, what, symbol=row.symbol, kind=kind)

    def _transfers(self, since: datetime, currency: str) -> Iterator[Charge]:
        rows = PaperTransfer.objects.filter(account=self.name, at__gte=since).select_related("by")
        for row in rows.order_by("pk"):
            what = f"{row.kind.capitalize()} by {row.by}: {row.reason}"
            yield Charge(f"paper-transfer-{row.pk}", row.at, row.cash, currency, what, is_transfer=True)


def _carried(row: PaperCharge) -> Carried:
    line = Line(What(row.kind), row.symbol, row.day)
    return Carried(line, row.quantity, row.price, row.cash, row.rate, row.nights)
