"""Statements that the book was compared with, and what differs: answered here with a reason."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.execution import statements
from approvals.models import BrokerStatement, StatementDifference
from core import formatting
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin, TitledAdmin
from core.admin.users import user_of

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[StatementDifference]
else:
    ModelForm = forms.ModelForm


READ: list[str] = [
    *["state", "kind", "name", "ours", "stated", "detail", "statement", "first_seen", "last_seen", "broker"],
]


class ComparedFilter(DayFilter):
    field = "compared_at"


class FirstSeenFilter(DayFilter):
    field = "first_seen_at"


@admin.register(BrokerStatement)
class BrokerStatementAdmin(LogAdmin):
    list_display = [
        "compared",
        "state",
        "broker",
        "account_id",
        "began",
        "ended",
        "agreed",
        "taken_over",
        "source",
    ]
    list_filter = ["broker", ComparedFilter]
    ordering = ["-pk"]
    fields = [
        *["state", "broker", "account_id", "source", "uploaded_by", "began", "ended", "compared"],
        *["executions", "charges", "holdings", "cash", "agreed", "differing", "taken_over", "not_compared"],
    ]

    @admin.display(description="state")
    def state(self, statement: BrokerStatement) -> SafeString:
        if statement.differing:
            return formatting.dot("bad", f"{statement.differing} differ")
        return formatting.dot("good", "agrees")

    @admin.display(description="compared (UTC)")
    def compared(self, statement: BrokerStatement) -> str:
        return approval_formatting.at(statement.compared_at)

    @admin.display(description="from (UTC)")
    def began(self, statement: BrokerStatement) -> str:
        return approval_formatting.at(statement.since)

    @admin.display(description="until (UTC)")
    def ended(self, statement: BrokerStatement) -> str:
        return approval_formatting.at(statement.until)


class ReasonForm(ModelForm):
    """Why it is right so: an answer is final, and changes no trade."""

    why = forms.CharField(
        label="reason",
        max_length=statements.LONGEST_WHY,
        help_text="Why it is right so. Cash or shares then count as the account's own, beside Jax's trades.",
    )

    class Meta:
        model = StatementDifference
        fields = ["why"]


@admin.register(StatementDifference)
class StatementDifferenceAdmin(TitledAdmin):
    actions = None
    form = ReasonForm
    list_display = ["first_seen", "state", "kind", "name", "ours", "stated", "broker"]
    list_display_links = ["name"]
    list_filter = ["kind", ("ended_at", admin.EmptyFieldListFilter), FirstSeenFilter]
    list_select_related = ["answered_by"]
    search_fields = ["name"]
    search_help_text = "A part of the execution's id, symbol or currency"
    ordering = ["-pk"]
    fields = [*READ, "why"]
    readonly_fields = READ

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: StatementDifference | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: StatementDifference | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.ended_at is None)

    def save_model(self, request: HttpRequest, obj: StatementDifference, form: Any, change: bool) -> None:
        """Take the answer. Nothing else of the row is written here."""

    def log_change(self, request: HttpRequest, obj: StatementDifference, message: Any) -> Any:
        """Log nothing: the answer logs itself, from wherever it came."""

    def response_change(self, request: HttpRequest, obj: StatementDifference) -> HttpResponse:
        try:
            statements.answer(obj, by=user_of(request), at=timezone.now(), why=obj.why)
            self.message_user(request, f"{obj}: answered.")
        except statements.DifferenceRefused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:approvals_statementdifference_changelist")

    @admin.display(description="state")
    def state(self, difference: StatementDifference) -> SafeString:
        if difference.ended_at is None:
            return formatting.dot("bad", "open")
        by = f"answered by {difference.answered_by}" if difference.answered_by else "agrees again"
        return formatting.dot("none", by)

    @admin.display(description="first seen (UTC)")
    def first_seen(self, difference: StatementDifference) -> str:
        return approval_formatting.at(difference.first_seen_at)

    @admin.display(description="last seen (UTC)")
    def last_seen(self, difference: StatementDifference) -> str:
        return approval_formatting.at(difference.last_seen_at)
