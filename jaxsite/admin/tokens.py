"""Admin of API tokens: created here, shown once, revoked by deleting them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from knox import admin as knox_admin
from knox.models import AuthToken

from jaxsite import scopes
from jaxsite.models import TokenAccess
from jaxsite.scopes import Scope

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[AuthToken]
else:
    ModelAdmin = admin.ModelAdmin

admin.site.unregister(AuthToken)


class TokenForm(knox_admin.AuthTokenCreateForm):  # type: ignore[misc]  # knox has no types
    """The form of a new token, with what it may do at most and what it is for."""

    note = forms.CharField(
        max_length=TokenAccess._meta.get_field("note").max_length, required=False, help_text="What it is for."
    )
    scope = forms.ChoiceField(
        choices=scopes.CHOICES,
        widget=forms.RadioSelect,
        initial=Scope.READ,
        help_text="What it may do at most. Never more than its user may.",
    )


@admin.register(AuthToken)
class TokenAdmin(ModelAdmin):
    """Knox's own page puts the new token into a cookie, and lets any staff make one for a superuser."""

    form = TokenForm
    list_display = ["begins_with", "user", "note", "scope", "created", "last_used", "expiry"]
    list_filter = ["access__scope"]
    list_select_related = ["user", "access"]
    ordering = ["-created", "digest"]

    @admin.display(description="token begins with", ordering="token_key")
    def begins_with(self, token: AuthToken) -> str:
        return f"{token.token_key[:8]}…"

    @admin.display(description="for", ordering="access__note")
    def note(self, token: AuthToken) -> str:
        return str(access.note) if (access := _access(token)) else ""

    @admin.display(ordering="access__scope")
    def scope(self, token: AuthToken) -> str:
        return str(access.scope) if (access := _access(token)) else Scope.READ.value

    @admin.display(ordering="access__last_used_at")
    def last_used(self, token: AuthToken) -> datetime | None:
        return access.last_used_at if (access := _access(token)) else None

    def get_fields(self, request: HttpRequest, obj: AuthToken | None = None) -> Any:
        return self.list_display if obj else ["user", "note", "scope", "expiry"]

    def get_readonly_fields(self, request: HttpRequest, obj: AuthToken | None = None) -> Any:
        return self.list_display if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuthToken]:
        tokens: QuerySet[AuthToken] = super().get_queryset(request)
        return tokens if _is_superuser(request) else tokens.filter(user_id=request.user.pk)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if not _is_superuser(request):
            kwargs["queryset"] = User.objects.filter(pk=request.user.pk or 0)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: AuthToken | None = None, change: bool = False, **kwargs: Any
    ) -> "type[ModelForm[Any]]":
        kwargs["help_texts"] = {"expiry": "UTC. Empty: it never expires."}
        return super().get_form(request, obj, change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        expiry: datetime = timezone.now() + settings.REST_KNOX["TOKEN_TTL"]
        return {"user": request.user.pk, "expiry": expiry.replace(microsecond=0)}

    def has_change_permission(self, request: HttpRequest, obj: AuthToken | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: AuthToken, form: "ModelForm[Any]", change: bool) -> None:
        super().save_model(request, obj, form, change)
        entered = form.cleaned_data
        TokenAccess.objects.create(token=obj, scope=entered["scope"], note=entered["note"])
        obj.in_plain_text = form.token  # type: ignore[attr-defined]  # for response_add; stored nowhere

    def response_add(
        self, request: HttpRequest, obj: AuthToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": "Copy the token now",
            "opts": self.opts,
            "token": obj,
            "meaning": Scope(obj.access.scope).meaning,
        }
        return TemplateResponse(
            request, "admin/token_created.html", context, headers={"Cache-Control": "no-store"}
        )


def _access(token: AuthToken) -> TokenAccess | None:
    return getattr(token, "access", None)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
