"""The named watchlists in admin, edited as on the desk: by the same rules, with the same log."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin.read_only import TitledAdmin
from core.admin.seen import SeenForm
from core.admin.users import user_of
from market.admin import several
from market.admin.watchlist_entries import EntryFormSet, EntryInline
from market.imports.master import watchlists
from market.models import Watchlist


class WatchlistForm(SeenForm):
    compared = ("name", "owner")
    owner = forms.ModelChoiceField(
        User.objects.order_by("username"),
        required=False,
        help_text="Who looks after it. Others edit it, too.",
    )
    with_watched = forms.BooleanField(required=False, label="with all that is watched now")

    class Meta:
        model = Watchlist
        fields = ["name"]

    def _stored(self, name: str) -> Any:
        return self.instance.created_by if name == "owner" else super()._stored(name)


@admin.register(Watchlist)
class WatchlistAdmin(TitledAdmin):
    form = WatchlistForm
    inlines = [EntryInline]
    list_display = ["name", "size", "owner_name", "created_at", "on_desk"]
    list_filter = [("created_by", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["name", "entries__instrument__symbol"]
    search_help_text = "A part of the name, or of a symbol in it"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Watchlist]:
        return Watchlist.objects.with_size().select_related("created_by")

    def get_fields(self, request: HttpRequest, obj: Watchlist | None = None) -> list[Any]:
        if not self.has_change_permission(request, obj):
            return ["name", "owner_name"]
        return ["name", "owner"] if obj else ["name", "owner", "with_watched"]

    def get_readonly_fields(self, request: HttpRequest, obj: Watchlist | None = None) -> list[str]:
        return ["owner_name"]

    def get_inlines(self, request: HttpRequest, obj: Watchlist | None) -> list[Any]:
        return self.inlines if obj else []  # a new one is filled on its page

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(several.page_of_list)
        own = path("<int:pk>/add/", view, {"model_admin": self}, name="market_watchlist_several")
        return [own, *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except watchlists.EditRefused as refusal:  # changed between the look at it and the write
            messages.error(request, f"Nothing was saved. {refusal}")
            return redirect(request.get_full_path())

    # Each act is the one that the desk's editor calls, which writes the log entry itself.

    def save_model(self, request: HttpRequest, obj: Watchlist, form: WatchlistForm, change: bool) -> None:
        by, fields = user_of(request), form.cleaned_data
        if not change:
            made = watchlists.create(
                fields["name"],
                by=by,
                at=timezone.now(),
                with_watched=fields["with_watched"],
                owner=fields["owner"],
            )
            obj.pk, obj.created_at = made.pk, made.created_at
            return
        stored = Watchlist.objects.get(pk=obj.pk)
        if "name" in form.changed_data and fields["name"] != stored.name:
            watchlists.rename(stored, fields["name"], by=by)
        if "owner" in form.changed_data and fields["owner"] != stored.created_by:
            watchlists.hand_over(stored, fields["owner"], by=by)

    def save_formset(self, request: HttpRequest, form: Any, formset: EntryFormSet, change: bool) -> None:
        for sentence in formset.save_for(form.instance, user_of(request), timezone.now()):
            messages.warning(request, sentence)
        if formset.candidates:
            several.warn_of_pace(request)

    def delete_model(self, request: HttpRequest, obj: Watchlist) -> None:
        watchlists.delete(obj, by=user_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Watchlist]) -> None:
        for watchlist in queryset:
            watchlists.delete(watchlist, by=user_of(request))

    def construct_change_message(self, *args: Any, **kwargs: Any) -> list[Any]:
        return []

    def log_addition(self, *args: Any) -> Any: ...
    def log_change(self, *args: Any) -> Any: ...
    def log_deletions(self, *args: Any) -> Any: ...

    @admin.display(description="instruments")
    def size(self, watchlist: Any) -> int:
        return int(watchlist.size)

    @admin.display(description="owner", ordering="created_by__username")
    def owner_name(self, watchlist: Watchlist) -> str:
        return watchlist.created_by.get_username() if watchlist.created_by else "nobody"

    @admin.display(description="")
    def on_desk(self, watchlist: Watchlist) -> SafeString:
        address = reverse("watchlist", args=[watchlist.pk])
        return format_html(
            '<a href="{}">On the desk<span class="visually-hidden">: {}</span></a>', address, watchlist.name
        )
