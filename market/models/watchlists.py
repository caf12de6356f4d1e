"""Named watchlists: lists of instruments in groups and in an order, with notes, shared by all users."""

from django.conf import settings
from django.db import models
from django.db.models import Count, Q
from django.db.models.functions import Lower

from core.models import TypedModelMeta
from market.models.reference import Instrument


class WatchlistQuerySet(models.QuerySet["Watchlist"]):
    def with_size(self) -> "WatchlistQuerySet":
        """Annotate each with `size`: how many instruments it has."""
        return self.annotate(size=Count("entries"))


class Watchlist(models.Model):
    """A named list of instruments. All users see and edit the same ones."""

    name = models.CharField(max_length=60)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(editable=False)

    objects = WatchlistQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "watchlists"
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="watchlist_name_is_its_own",
                violation_error_message="There is a watchlist with this name already.",
            ),
            models.CheckConstraint(name="watchlist_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class WatchlistEntryQuerySet(models.QuerySet["WatchlistEntry"]):
    def symbols(self, watchlist: "Watchlist | int") -> models.QuerySet["WatchlistEntry", str]:
        """Return the symbols of a list, for a condition of another query."""
        return self.filter(watchlist=watchlist).values_list("instrument_id", flat=True)


class WatchlistEntry(models.Model):
    """An instrument in a list. `position`: lower comes first; gaps in it mean nothing."""

    watchlist = models.ForeignKey(Watchlist, on_delete=models.CASCADE, related_name="entries")
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="entries", db_column="symbol"
    )
    group = models.CharField(max_length=60, blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")
    position = models.PositiveIntegerField()

    objects = WatchlistEntryQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "watchlist_entries"
        default_permissions = ()  # those of its list
        ordering = ["position", "pk"]
        verbose_name_plural = "watchlist entries"
        constraints = [
            models.UniqueConstraint(
                name="watchlist_has_an_instrument_once", fields=["watchlist", "instrument"]
            ),
        ]

    def __str__(self) -> str:
        return self.instrument_id
