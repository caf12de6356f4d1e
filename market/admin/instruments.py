"""The instruments: what they trade at, how they are doing, and what an operator may do with them."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_q.tasks import async_task

from core import formatting
from core.admin.read_only import TitledAdmin
from market import formatting as market_formatting
from market import quotes
from market.admin import freshness, imports, several
from market.admin.forms import InstrumentForm, NewInstrumentForm, as_listed, first_calendar
from market.imports.master import lookup
from market.models import Instrument
from market.quotes import QuoteView


class InstrumentList(ChangeList):
    """One page of instruments, each with its quote: a fixed number of queries, however many there are."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        views = quotes.quotes_with_change([row.pk for row in self.result_list], timezone.now())
        for row in self.result_list:
            row.quoted = views.get(row.pk)


def quoted(instrument: Instrument) -> QuoteView | None:
    """Return the quote that `InstrumentList` loaded for it."""
    view: QuoteView | None = vars(instrument).get("quoted")
    return view


@admin.register(Instrument)
class InstrumentAdmin(TitledAdmin):
    form = InstrumentForm
    list_display = [
        *["chart_of", "name", "price", "change", "percent", "age", "source", "health", "watched", "edit"],
    ]
    list_display_links = None
    list_filter = [
        "watched",
        freshness.HealthFilter,
        "status",
        "kind",
        "calendar",
        freshness.ProviderFilter,
    ]
    search_fields = ["symbol", "name"]
    search_help_text = "A part of the symbol or the name"
    list_per_page = 50
    actions = ["watch", "unwatch", "backfill"]
    fields = [
        *["symbol", "name", "exchange", "kind", "calendar", "currency", "tick_size", "lot_size", "watched"],
        *["status", "delisted_on", "borrowable", "details"],
    ]
    readonly_fields = ["status", "delisted_on", "borrowable", "details"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return InstrumentList

    def has_delete_permission(self, request: HttpRequest, obj: Instrument | None = None) -> bool:
        return False  # candles name their instrument without a foreign key: it is unwatched instead

    def get_readonly_fields(self, request: HttpRequest, obj: Instrument | None = None) -> list[str]:
        return ["symbol", *self.readonly_fields] if obj else []

    def get_fields(self, request: HttpRequest, obj: Instrument | None = None) -> list[Any]:
        return list(self.fields) if obj else [*InstrumentForm.Meta.fields, "unlisted", "picked"]

    def get_form(
        self, request: HttpRequest, obj: Instrument | None = None, change: bool = False, **options: Any
    ) -> type[Any]:
        new = {} if obj else {"form": NewInstrumentForm}
        return super().get_form(request, obj, change, **new, **options)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().add_view(request, form_url, lookup.searched(request.GET) | (extra_context or {}))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = {"calendar": first_calendar(), **super().get_changeform_initial_data(request)}
        return initial | as_listed(request.GET.get("pick", ""))

    def save_model(self, request: HttpRequest, obj: Instrument, form: Any, change: bool) -> None:
        fields = list(form.changed_data)
        if "watched" in fields:
            obj.watched_for_lists = False
            fields.append("watched_for_lists")
        # Only what was changed here: ingestion may write the other columns at the same moment.
        obj.save(update_fields=fields if change else None)
        if obj.watched and (not change or "watched" in form.changed_data):
            several.warn_of_pace(request)
        if not change and form.candidate and form.candidate.remark:
            self.message_user(request, form.candidate.remark, messages.WARNING)

    def get_urls(self) -> list[URLPattern]:
        pages = [("load", imports.page)]
        own = [
            path(
                f"<path:symbol>/{name}/",
                self.admin_site.admin_view(view),
                {"model_admin": self},
                name=f"market_instrument_{name}",
            )
            for name, view in pages
        ]
        several_page = self.admin_site.admin_view(several.page)
        own.append(path("several/", several_page, {"model_admin": self}, name="market_instrument_several"))
        return own + super().get_urls()

    # What the list shows

    @admin.display(description="symbol", ordering="symbol")
    def chart_of(self, instrument: Instrument) -> SafeString:
        return market_formatting.chart_link(instrument.symbol)

    @admin.display(description="last price")
    def price(self, instrument: Instrument) -> str:
        view = quoted(instrument)
        return market_formatting.price(view.quote.price if view else None, instrument)

    @admin.display(description="change")
    def change(self, instrument: Instrument) -> str:
        view = quoted(instrument)
        return formatting.change(view.change if view else None, market_formatting.decimals(instrument))

    @admin.display(description="%")
    def percent(self, instrument: Instrument) -> str:
        view = quoted(instrument)
        return formatting.change(view.change_percent if view else None, 2, " %")

    @admin.display(description="age")
    def age(self, instrument: Instrument) -> str:
        view = quoted(instrument)
        if view is None:
            return formatting.NOTHING
        return format_html(
            '<span title="{} UTC">{}</span>',
            f"{view.quote.as_of:%Y-%m-%d %H:%M:%S}",
            formatting.ago(view.age),
        )

    @admin.display(description="provider, feed")
    def source(self, instrument: Instrument) -> str:
        view = quoted(instrument)
        return f"{view.quote.provider}, {view.quote.feed}" if view else formatting.NOTHING

    @admin.display(description="health")
    def health(self, instrument: Instrument) -> SafeString:
        cell = freshness.of(instrument, quoted(instrument))
        return formatting.dot(cell.tone, cell.value)

    @admin.display(description="")
    def edit(self, instrument: Instrument) -> SafeString:
        return format_html(
            '<a href="{}">Edit<span class="visually-hidden"> {}</span></a>',
            reverse("admin:market_instrument_change", args=[admin.utils.quote(instrument.pk)]),
            instrument.symbol,
        )

    @admin.display(description="details from")
    def details(self, instrument: Instrument) -> str:
        if instrument.details_at is None:
            return "no provider"
        return f"{instrument.details_from}, {instrument.details_at:%Y-%m-%d %H:%M} UTC"

    # What an operator may do

    @admin.action(description="Add to the watchlist", permissions=["change"])
    def watch(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        added = _set_watched(request, queryset, watched=True)
        self.message_user(request, f"Added to the watchlist: {added}. Their quotes come with the next cycle.")
        several.warn_of_pace(request)

    @admin.action(description="Remove from the watchlist", permissions=["change"])
    def unwatch(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        removed = _set_watched(request, queryset, watched=False)
        self.message_user(request, f"Removed from the watchlist: {removed}. What is stored stays readable.")

    @admin.action(description="Backfill now", permissions=["change"])
    def backfill(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        watched = list(queryset.filter(watched=True))
        left_out = queryset.filter(watched=False).count()
        if left_out:
            warning = f"Left out, for they are not watched: {left_out}. Add them to the watchlist first."
            self.message_user(request, warning, messages.WARNING)
        if not watched:
            return
        with transaction.atomic():
            queued = {"cluster": "slow", "group": "market.backfill", "task_name": "market.backfill"}
            async_task("market.tasks.backfill", [instrument.pk for instrument in watched], q_options=queued)
            LogEntry.objects.log_actions(request.user.pk or 0, watched, CHANGE, "Backfill asked for.")
        self.message_user(request, _queued(len(watched)))


def _set_watched(request: HttpRequest, queryset: QuerySet[Instrument], *, watched: bool) -> int:
    """Put them on the watchlist or take them off. Only those that change are logged."""
    with transaction.atomic():
        changing = list(queryset.exclude(watched=watched).select_for_update())
        Instrument.objects.filter(pk__in=[instrument.pk for instrument in changing]).update(
            watched=watched, watched_for_lists=False
        )
        if changing:
            message = [{"changed": {"fields": ["Watched"]}}]
            LogEntry.objects.log_actions(request.user.pk or 0, changing, CHANGE, message)
    return len(changing)


def _queued(count: int) -> SafeString:
    return format_html(
        "Backfill queued: {}. The worker fetches their history in the background, as fast as the providers"
        ' allow; <a href="{}">the ingestion runs</a> show how it goes.',
        count,
        reverse("admin:market_ingestionrun_changelist"),
    )
