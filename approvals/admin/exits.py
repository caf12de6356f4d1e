"""Buttons that get people out: cancel or drop an order, close a position. They work under halt and gate."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from approvals import exits
from approvals.models import BrokerPosition, Order
from core.admin.read_only import LogAdmin
from core.admin.users import may, user_of

NOTES = 500  # characters


class ExitForm(forms.Form):
    """What comes with the press of a button."""

    notes = forms.CharField(required=False, max_length=NOTES)
    exits = forms.BooleanField(required=False, help_text="Cancel stop and target of what is filled too.")


class ExitsAdmin(LogAdmin):
    """A page with buttons that get people out."""

    def may_leave(self, request: HttpRequest) -> bool:
        return may(request, "approvals.change_order")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        buttons = {"may_leave": self.may_leave(request), "longest": NOTES}
        return super().change_view(request, object_id, form_url, buttons | (extra_context or {}))

    def _button(self, route: str, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
        full_name = f"approvals_{self.opts.model_name}_{name}"
        return path(f"{route}/{name}/", self.admin_site.admin_view(require_POST(view)), name=full_name)

    def _do(self, request: HttpRequest, row: Model, leave: Callable[[ExitForm], Order]) -> HttpResponse:
        """Do what the button of a row says, and show the order that it is about."""
        if not self.may_leave(request):
            raise PermissionDenied
        form = ExitForm(request.POST)
        try:
            if not form.is_valid():
                raise exits.ExitRefused(f"Nothing was done. {' '.join(_errors(form))}")
            order = leave(form)
        except exits.ExitRefused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(f"admin:approvals_{self.opts.model_name}_change", quote(row.pk))
        self.message_user(request, f"{order}: {order.get_status_display()}. {order.status_reason}".strip())
        return redirect("admin:approvals_order_change", order.pk)


def _errors(form: ExitForm) -> list[str]:
    return [f"{name.capitalize()}: {' '.join(map(str, problems))}" for name, problems in form.errors.items()]


class OrderExits(ExitsAdmin):
    def get_urls(self) -> list[URLPattern]:
        views = {"cancel": self.cancel, "drop": self.drop}
        return [self._button("<uuid:pk>", name, view) for name, view in views.items()] + super().get_urls()

    def cancel(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        order, at, by = get_object_or_404(Order, pk=pk), timezone.now(), user_of(request)

        def leave(form: ExitForm) -> Order:
            given = form.cleaned_data
            return exits.cancel(order, by=by, at=at, notes=given["notes"], exits=given["exits"])

        return self._do(request, order, leave)

    def drop(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        order, at, by = get_object_or_404(Order, pk=pk), timezone.now(), user_of(request)

        def leave(form: ExitForm) -> Order:
            return exits.drop(order, by=by, at=at, notes=form.cleaned_data["notes"])

        return self._do(request, order, leave)


class PositionExits(ExitsAdmin):
    def get_urls(self) -> list[URLPattern]:
        return [self._button("<path:symbol>", "close", self.close), *super().get_urls()]

    def close(self, request: HttpRequest, symbol: str) -> HttpResponse:
        position, at, by = get_object_or_404(BrokerPosition, pk=symbol), timezone.now(), user_of(request)

        def leave(form: ExitForm) -> Order:
            return exits.close(position.symbol, by=by, at=at, notes=form.cleaned_data["notes"])

        return self._do(request, position, leave)
