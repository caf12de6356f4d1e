"""Quotes: the newest of each instrument, and every one as it was received."""

from datetime import datetime, timedelta

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from core.models import TypedModelMeta, choices
from market.models.reference import Instrument, TradingSession
from market.prices import Doubt, Feed

# In SQL, whether the price of a row of `quotes` was ever believed. As `Quote.is_believed`.
BELIEVED = "(quotes.doubt = '' OR quotes.doubtful_as_of IS DISTINCT FROM quotes.as_of)"


class QuoteQuerySet(models.QuerySet["Quote"]):
    def of_instruments(self) -> "QuoteQuerySet":
        """Return those of what can be watched: a pair that is only needed as a rate is no instrument."""
        return self.filter(Exists(Instrument.objects.filter(pk=OuterRef("symbol"))))

    def end_old_halts(self, at: datetime) -> int:
        """Forget the halts that were told before a session that has opened since. Return how many.

        The vendor tells of one that lasts with its next quote; of a share that has none, nobody knows.
        """
        calendar = Instrument.objects.filter(pk=OuterRef(OuterRef("symbol"))).values("calendar")
        opened = TradingSession.objects.taking_place().filter(
            calendar__in=calendar, opens_at__gt=OuterRef("as_of"), opens_at__lte=at
        )
        return self.exclude(halt="").filter(Exists(opened)).update(halt="")

    def by_state(self) -> dict[str, list[str]]:
        """Return the symbols of the watchlist by what is out of the ordinary with their quotes. One query."""
        states: dict[str, list[str]] = {
            "doubtful": [],
            "halted": [],
            **{book: [] for book in Quote.Book.values},
        }
        watched = Instrument.objects.watched().values("symbol")
        for quote in self.filter(~Q(doubt="") | ~Q(halt="") | Q(bid__gte=F("ask")), symbol__in=watched):
            marks = {"doubtful": quote.doubt, "halted": quote.halt, str(quote.book): quote.book}
            for state in (state for state, is_so in marks.items() if is_so):
                states[state].append(quote.symbol)
        return states


class Quote(models.Model):
    """The newest quote of an instrument whose price is believed.

    A newer price that is not believed yet stands beside it, with the reason in `doubt`; where none was ever
    believed, `price` is the doubtful one itself.
    """

    class Book(models.TextChoices):
        CROSSED = "crossed", "crossed"
        LOCKED = "locked", "locked"

    symbol = models.CharField(max_length=16, primary_key=True, db_collation="C")
    price = models.FloatField()
    bid = models.FloatField(null=True)
    ask = models.FloatField(null=True)
    bid_size = models.FloatField(null=True)
    ask_size = models.FloatField(null=True)
    volume = models.FloatField(null=True)
    exchange = models.CharField(max_length=16, blank=True)
    as_of = models.DateTimeField(help_text="The provider's time.")
    received_at = models.DateTimeField(help_text="Our time.")
    provider = models.CharField(max_length=16)
    feed = models.CharField(max_length=10, choices=choices(Feed))
    delay_seconds = models.IntegerField(default=0, help_text="The feed's stated delay.")
    halt = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="Why trading is halted."
    )
    doubt = models.CharField(max_length=16, blank=True, default="", db_default="", choices=choices(Doubt))
    doubtful_price = models.FloatField(null=True)
    doubtful_as_of = models.DateTimeField(null=True)

    objects = QuoteQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "quotes"
        ordering = ["symbol"]
        constraints = [
            models.CheckConstraint(name="quote_price_is_positive", condition=Q(price__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.price}"

    def age(self, at: datetime) -> timedelta:
        """Return how old the quote is beyond what its feed's delay explains."""
        return at - self.as_of - timedelta(seconds=self.delay_seconds)

    @property
    def book(self) -> str:
        """Return whether the bid is above the ask (crossed) or equal to it (locked); else empty."""
        if self.bid is None or self.ask is None or self.bid < self.ask:
            return ""
        return self.Book.LOCKED if self.bid == self.ask else self.Book.CROSSED

    @property
    def is_believed(self) -> bool:
        """Return whether `price` was ever believed: the first price of an instrument may be doubtful.

        `market.models.quotes.BELIEVED` says the same of many.
        """
        return not self.doubt or self.doubtful_as_of != self.as_of


class QuoteHistory(models.Model):
    """A quote as it was received."""

    pk = models.CompositePrimaryKey("symbol", "as_of", "provider")
    symbol = models.CharField(max_length=16, db_collation="C")
    as_of = models.DateTimeField()
    provider = models.CharField(max_length=16)
    price = models.FloatField()
    bid = models.FloatField(null=True)
    ask = models.FloatField(null=True)
    bid_size = models.FloatField(null=True)
    ask_size = models.FloatField(null=True)
    volume = models.FloatField(null=True)
    exchange = models.CharField(max_length=16, blank=True)
    received_at = models.DateTimeField()
    feed = models.CharField(max_length=10, choices=choices(Feed))
    delay_seconds = models.IntegerField(default=0)
    doubt = models.CharField(max_length=16, blank=True, default="", db_default="", choices=choices(Doubt))

    class Meta(TypedModelMeta):
        db_table = "quote_history"
        indexes = [BrinIndex(name="quote_history_by_arrival", fields=["received_at"], pages_per_range=32)]

    def __str__(self) -> str:
        return f"{self.symbol} {self.price} at {self.as_of}"
