"""The halt, with a button that begins one and a button that ends it, and the gate."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from approvals import formatting as approval_formatting
from approvals import gate, halt
from approvals.gate import reason_of
from approvals.models import Gate, TradingHalt
from core import formatting
from core.admin.read_only import LogAdmin
from core.admin.users import may, user_of

LONGEST = 500  # characters of a reason


@admin.register(TradingHalt)
class TradingHaltAdmin(LogAdmin):
    list_display = [
        "started",
        "state",
        "cause",
        "reason",
        "started_by",
        "until",
        "ended",
        "ended_by",
        "ended_note",
    ]
    list_filter = ["cause", ("ended_at", admin.EmptyFieldListFilter)]
    list_select_related = ["started_by", "ended_by"]
    search_fields = ["reason", "ended_note"]
    ordering = ["-started_at", "-pk"]
    fields = ["state", "cause", "reason", "started", "started_by", "until", "ended", "ended_by", "ended_note"]

    def get_urls(self) -> list[URLPattern]:
        views = {"halt": self.halt, "resume": self.resume}
        own = [
            path(
                f"{name}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"approvals_tradinghalt_{name}",
            )
            for name, view in views.items()
        ]
        return own + super().get_urls()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        buttons = {
            "may_halt": may(request, "approvals.add_tradinghalt"),
            "may_resume": may(request, "approvals.change_tradinghalt")
            and bool(gate.state(timezone.now()).halted),
            "longest": LONGEST,
        }
        return super().changelist_view(request, buttons | (extra_context or {}))

    def halt(self, request: HttpRequest) -> HttpResponse:
        if not may(request, "approvals.add_tradinghalt"):
            raise PermissionDenied
        if reason := _written(request, "reason"):
            halt.start(TradingHalt.Cause.PERSON, reason, timezone.now(), by=user_of(request))
            self.message_user(request, HALTED, messages.WARNING)
        else:
            self.message_user(request, "Nothing was done: say why trading is halted.", messages.ERROR)
        return redirect("admin:approvals_tradinghalt_changelist")

    def resume(self, request: HttpRequest) -> HttpResponse:
        if not may(request, "approvals.change_tradinghalt"):
            raise PermissionDenied
        if note := _written(request, "note"):
            ended = halt.end(timezone.now(), user_of(request), note)
            self.message_user(request, RESUMED if ended else "Trading was not halted.")
        else:
            self.message_user(request, "Nothing was done: say why trading goes on.", messages.ERROR)
        return redirect("admin:approvals_tradinghalt_changelist")

    @admin.display(description="since (UTC)")
    def started(self, halt: TradingHalt) -> str:
        return approval_formatting.at(halt.started_at)

    @admin.display(description="until (UTC)")
    def ended(self, halt: TradingHalt) -> str:
        return approval_formatting.at(halt.ended_at)

    @admin.display(description="state")
    def state(self, halt: TradingHalt) -> SafeString:
        return formatting.dot("none", "over") if halt.ended_at else formatting.dot("bad", "halted")


HALTED = "Trading is halted: nothing is approved or sent. Positions can be closed and orders cancelled."
RESUMED = "Trading goes on. Orders that waited do not go out by themselves: each needs a new look."


def _written(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip()[:LONGEST]


@admin.register(Gate)
class GateAdmin(LogAdmin):
    list_display = ["state", "why", "changed", "good", "broker_error", "checked"]
    fields = ["state", "why", "changed", "good", "broker_error", "checked"]

    @admin.display(description="state")
    def state(self, gate: Gate) -> SafeString:
        return formatting.dot("good", "open") if gate.is_open else formatting.dot("warn", "closed")

    @admin.display(description="reason")
    def why(self, gate: Gate) -> str:
        return reason_of(gate)

    @admin.display(description="since (UTC)")
    def changed(self, gate: Gate) -> str:
        return approval_formatting.at(gate.since)

    @admin.display(description="broker good since (UTC)")
    def good(self, gate: Gate) -> str:
        return approval_formatting.at(gate.broker_good_since)

    @admin.display(description="checked (UTC)")
    def checked(self, gate: Gate) -> str:
        return approval_formatting.at(gate.checked_at)
