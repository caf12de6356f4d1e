"""Trading sessions: published by the exchange; an operator may say that one does not take place."""

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import TitledAdmin
from market import formatting as market_formatting
from market.calendars import zone as zone_of
from market.models import Instrument, TradingSession

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[TradingSession]
else:
    ModelForm = forms.ModelForm


def calendars() -> list[tuple[str, str]]:
    """Return the calendars that instruments trade on."""
    names = Instrument.objects.order_by("calendar").values_list("calendar", flat=True).distinct()
    return [(name, name) for name in names]


class ClosureForm(ModelForm):
    """A day on which an exchange stays closed. It must have a session, and that becomes the form's row."""

    calendar = forms.ChoiceField(choices=calendars)

    class Meta:
        model = TradingSession
        fields = ["calendar", "date"]
        help_texts = {"date": "The session's date at the exchange."}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "calendar" in cleaned and "date" in cleaned:
            session = TradingSession.objects.filter(
                calendar=cleaned["calendar"], date=cleaned["date"]
            ).first()
            if session is None:
                raise ValidationError(
                    f"{cleaned['calendar']} has no session on {cleaned['date']}: it is closed anyway."
                )
            self.instance = session
            if session.closed:
                raise ValidationError(f"{session} is marked closed already.")
            session.closed = True
        return cleaned


@admin.register(TradingSession)
class TradingSessionAdmin(TitledAdmin):
    actions = None
    show_full_result_count = False
    list_display = ["on", "calendar", "opens", "closes", "local_hours", "state"]
    list_filter = ["closed", "calendar"]
    date_hierarchy = "date"
    search_fields = ["date"]
    search_help_text = "A date or the beginning of one, as 2024-07-04 or 2024-07"
    ordering = ["-closed", "-date", "calendar"]
    fields = ["calendar", "date", "opens_at", "break_starts_at", "break_ends_at", "closes_at", "closed"]
    readonly_fields = ["calendar", "date", "opens_at", "break_starts_at", "break_ends_at", "closes_at"]

    def has_delete_permission(self, request: HttpRequest, obj: TradingSession | None = None) -> bool:
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().add_view(request, form_url, {"title": "Add a closure"} | (extra_context or {}))

    def get_form(
        self, request: HttpRequest, obj: TradingSession | None = None, change: bool = False, **kwargs: Any
    ) -> "type[forms.ModelForm[Any]]":
        return super().get_form(request, obj, change, **({} if obj else {"form": ClosureForm}) | kwargs)

    def get_fields(self, request: HttpRequest, obj: TradingSession | None = None) -> Any:
        return super().get_fields(request, obj) if obj else ["calendar", "date"]

    def get_readonly_fields(self, request: HttpRequest, obj: TradingSession | None = None) -> Any:
        return super().get_readonly_fields(request, obj) if obj else []

    def save_model(self, request: HttpRequest, obj: TradingSession, form: Any, change: bool) -> None:
        obj.save(update_fields=["closed"])

    @admin.display(description="date", ordering="date")
    def on(self, session: TradingSession) -> str:
        return session.date.isoformat()

    @admin.display(description="opens (UTC)", ordering="opens_at")
    def opens(self, session: TradingSession) -> str:
        return market_formatting.stamp(session.opens_at)

    @admin.display(description="closes (UTC)", ordering="closes_at")
    def closes(self, session: TradingSession) -> str:
        return market_formatting.stamp(session.closes_at)

    @admin.display(description="exchange's time")
    def local_hours(self, session: TradingSession) -> str:
        zone = zone_of(session.calendar)
        if zone is None:
            return formatting.NOTHING
        opens, closes = (moment.astimezone(zone) for moment in (session.opens_at, session.closes_at))
        return f"{opens:%a %H:%M} to {closes:%H:%M} {formatting.city(zone)}{_lunch(session, zone)}"

    @admin.display(description="state", ordering="closed")
    def state(self, session: TradingSession) -> SafeString:
        return (
            formatting.dot("bad", "closed by an operator")
            if session.closed
            else formatting.dot("good", "takes place")
        )


def _lunch(session: TradingSession, zone: ZoneInfo) -> str:
    if session.break_starts_at is None or session.break_ends_at is None:
        return ""
    starts, ends = session.break_starts_at.astimezone(zone), session.break_ends_at.astimezone(zone)
    return f", lunch {starts:%H:%M} to {ends:%H:%M}"
