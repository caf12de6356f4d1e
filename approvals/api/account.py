from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from approvals import gate, positions, proposals
from approvals.models import AccountSnapshot, Fill
from approvals.risk import Exposure

MONEY: dict[str, Any] = {"max_digits": None, "decimal_places": 2}


class AccountSnapshotSerializer(serializers.ModelSerializer[AccountSnapshot]):
    """What the account was worth, as its broker said."""

    class Meta:
        model = AccountSnapshot
        fields = ["broker", "at", "currency", "equity", "cash", "buying_power"]


class FigureSerializer(serializers.Serializer[Any]):
    now = serializers.DecimalField(**MONEY)
    limit = serializers.DecimalField(**MONEY)


class CountSerializer(serializers.Serializer[Any]):
    now = serializers.IntegerField()
    limit = serializers.IntegerField()


class ExposureSerializer(serializers.Serializer[Exposure]):
    """What new orders are sized on, in the account's currency, each beside its limit."""

    capital = serializers.DecimalField(**MONEY, help_text="What the limits are shares of.")
    buying_power = serializers.DecimalField(
        **MONEY, help_text="Less entries that the broker has not got yet."
    )
    gross = FigureSerializer(help_text="All positions, of others too, and entries that may still fill.")
    open_risk = FigureSerializer(help_text="What our stops would lose. Shares of others are not in it.")
    positions = CountSerializer(help_text="In how many symbols.")
    day_result = FigureSerializer(
        help_text="Of the exchange day, open positions included. A loss is negative."
    )
    week_result = FigureSerializer(help_text="The same of the week.")
    strategy = serializers.DecimalField(**MONEY, help_text="What the positions of one strategy may be worth.")
    group = serializers.DecimalField(**MONEY, help_text="What positions may be worth that move together.")
    risk_per_trade = serializers.DecimalField(**MONEY, help_text="The most that one entry may lose.")
    position = serializers.DecimalField(**MONEY, help_text="The most that one position may be worth.")


class AccountSerializer(serializers.Serializer[Any]):
    account = AccountSnapshotSerializer(allow_null=True, help_text="Null: never seen.")
    exposure = ExposureSerializer(
        allow_null=True, help_text="Null: not known; `unknown` says why, and nothing is sized."
    )
    unknown = serializers.CharField(help_text="Empty while the figures are known.")
    realised_today = serializers.DecimalField(
        **MONEY,
        allow_null=True,
        help_text="By the exchange day, commissions taken off. Null: an exchange rate is missing.",
    )
    commissions_unknown_today = serializers.IntegerField(
        help_text="Fills of the day whose commission is not yet known: it is not taken off."
    )
    day_began = serializers.DateTimeField(help_text="At the last close of the exchange.")
    halted = serializers.CharField(help_text="Since when, by whom and why. Empty: it is not.")
    obstacle = serializers.CharField(help_text="Why nothing may be approved or sent now. Empty: it may.")


ONE = forced_singular_serializer(AccountSerializer)  # type: ignore[no-untyped-call]  # it has no types


class AccountViewSet(GenericViewSet[AccountSnapshot]):
    """What the account is worth and exposed to, and whether trading is possible."""

    queryset = AccountSnapshot.objects.all()
    serializer_class = AccountSerializer
    filterset_class = None
    pagination_class = None

    @extend_schema(responses=ONE)
    def list(self, request: Request) -> Response:
        """The account now."""
        self.filter_queryset(self.get_queryset())  # refuses parameters that do not exist
        return Response(AccountSerializer(_account()).data)


def _account() -> dict[str, Any]:
    at = timezone.now()
    book, state, began = positions.Book.load(at), gate.state(at), positions.day_began(at)
    today = Fill.objects.ours().filter(executed_at__gte=began)
    exposure, unknown = None, ""
    try:
        exposure = _beside_limits(positions.exposure(at, book))
    except positions.Unknown as problem:
        unknown = str(problem)
    return {
        "account": book.account and book.account.snapshot,
        "exposure": exposure,
        "unknown": unknown,
        "realised_today": _realised_today(book, at),
        "commissions_unknown_today": today.exclude(commission_unknown="").count(),
        "day_began": began,
        "halted": state.halted,
        "obstacle": state.obstacle,
    }


def _realised_today(book: positions.Book, at: datetime) -> Decimal | None:
    try:
        return positions.realised_today(at, book.account.snapshot.currency if book.account else "")
    except positions.Unknown:
        return None


def _beside_limits(now: Exposure) -> dict[str, Any]:
    most = proposals.limits().in_money(now.capital)
    return {
        "capital": now.capital,
        "buying_power": now.buying_power,
        "gross": {"now": now.gross, "limit": most.gross},
        "open_risk": {"now": now.open_risk, "limit": most.open_risk},
        "positions": {"now": now.positions, "limit": most.positions},
        "day_result": {"now": now.day_result, "limit": -most.day_loss},
        "week_result": {"now": now.week_result, "limit": -most.week_loss},
        "strategy": most.strategy,
        "group": most.group,
        "risk_per_trade": most.risk_per_trade,
        "position": most.position,
    }
