"""The list of what waits, with decisions about several at once."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin.paging import FirstPages
from core.admin.read_only import TitledAdmin
from core.admin.users import may, user_of
from market import formatting as market_formatting
from market.admin.review import item_page
from market.ingestion.review.bars import ReviewRefused
from market.ingestion.review.items import MOST_AT_ONCE, Act, Item, NoSuchItem, decide_about
from market.models import Gap, ReviewItem

SHOWN = 20  # refusals, one by one


ANSWERS = (Act.REAL, Act.SPLIT, Act.BAD)


def _action(act: Act) -> Callable[..., Any]:
    @admin.action(description=act.label, permissions=["answer" if act in ANSWERS else "change"])
    def action(model_admin: Any, request: HttpRequest, queryset: QuerySet[ReviewItem]) -> HttpResponse | None:
        answer: HttpResponse | None = model_admin.decide(request, queryset, act)
        return answer

    action.__name__ = act.value
    return action


@admin.register(ReviewItem)
class ReviewItemAdmin(TitledAdmin):
    """What waits for a person, newest first. Each leads to its page."""

    change_list_template = "admin/market/reviewitem/list.html"
    actions = tuple(_action(act) for act in Act)
    list_display = ("what", "chart_of", "timeframe", "when", "source", "says")
    list_filter = ("kind",)
    list_per_page = 50
    list_max_show_all = MOST_AT_ONCE
    paginator = FirstPages
    search_fields = ("symbol",)
    search_help_text = "A part of the symbol"
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    ordering = ("-at", "id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ReviewItem | None = None) -> bool:
        return False

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) and may(request, item_page.ANSWER)

    def get_urls(self) -> list[Any]:
        bars = path("<path:name>/bars/", self.admin_site.admin_view(self.bars), name="market_reviewitem_bars")
        return [bars, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        explained = Gap.objects.filter(reason=Gap.Reason.NO_TRADE, reviewed_at=None)
        counted = {"explained": explained.exists()} if request.method == "GET" else {}
        return super().changelist_view(request, counted | (extra_context or {}))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return item_page.page(request, self, object_id)

    def bars(self, request: HttpRequest, name: str) -> HttpResponse:
        return item_page.bars(request, self, name)

    def decide(self, request: HttpRequest, chosen: QuerySet[ReviewItem], act: Act) -> HttpResponse | None:
        """Ask why, showing what was chosen; then do it."""
        if "why" in request.POST:
            return self._apply(request, act)
        rows = list(chosen.order_by("-at", "id")[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            text = f"At most {MOST_AT_ONCE} at once: choose a kind or a symbol first."
            self.message_user(request, text, messages.ERROR)
            return None
        seen = [(row, item.version) for row in rows if (item := _load(row.id)) is not None]
        context = self.admin_site.each_context(request) | {
            "title": act.label,
            "opts": self.opts,
            "act": act,
            "seen": seen,
            "address": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/market/reviewitem/several.html", context)

    def _apply(self, request: HttpRequest, act: Act) -> HttpResponse:
        seen = dict(zip(request.POST.getlist("_selected_action"), request.POST.getlist("seen"), strict=False))
        try:
            outcome = decide_about(seen, act, request.POST["why"], by=user_of(request), at=timezone.now())
        except ReviewRefused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            done = f"{act.label}: {len(outcome.done)} of {len(seen)} done."
            self.message_user(request, done, messages.SUCCESS if outcome.done else messages.WARNING)
            if outcome.refused:
                self.message_user(request, _refusals(outcome.refused), messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    @admin.display(description="what", ordering="kind")
    def what(self, row: ReviewItem) -> str:
        return row.get_kind_display()

    @admin.display(description="symbol", ordering="symbol")
    def chart_of(self, row: ReviewItem) -> SafeString | str:
        is_charted = row.kind != ReviewItem.Kind.REFUSED and row.symbol
        return market_formatting.chart_link(row.symbol, row.timeframe or None) if is_charted else row.symbol

    @admin.display(description="when (UTC)", ordering="at")
    def when(self, row: ReviewItem) -> str:
        is_bar = row.kind != ReviewItem.Kind.REFUSED and row.timeframe
        return market_formatting.stamp(row.at, row.timeframe if is_bar else None)


def _load(name: str) -> Item | None:
    try:
        return Item.load(name)
    except NoSuchItem:
        return None


def _refusals(refused: Mapping[str, str]) -> SafeString:
    shown = [f"{name.replace(':', ' ')}: {why}" for name, why in list(refused.items())[:SHOWN]]
    more = f" … and {len(refused) - SHOWN} more." if len(refused) > SHOWN else ""
    return format_html("Not done: {}{}", " · ".join(shown), more)
