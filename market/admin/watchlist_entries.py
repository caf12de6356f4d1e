"""The entries of a watchlist on its page in admin: group, note and order of each, new ones, and removal."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.paginator import Page
from django.http import HttpRequest

from core.admin.seen import SeenForm
from core.paging import paged
from market.admin.forms import SymbolField
from market.imports.master import adding, watchlists
from market.imports.master.adding import Candidate, Verdict
from market.imports.watchlist import Entry
from market.models import Watchlist, WatchlistEntry

PER_PAGE = 50  # each has a dozen fields, and a form takes a thousand

if TYPE_CHECKING:
    InlineFormSet = forms.BaseInlineFormSet[Any, Any, Any]
    Inline = admin.TabularInline[Any, Any]
else:
    InlineFormSet = forms.BaseInlineFormSet
    Inline = admin.TabularInline


class EntryForm(SeenForm):
    compared: ClassVar = ("group", "note")
    symbol = SymbolField(max_length=16)
    place = forms.IntegerField(label="Order", min_value=1, max_value=watchlists.MOST_ENTRIES, required=False)

    class Meta:
        model = WatchlistEntry
        fields: ClassVar = ["group", "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        place = self.fields["place"]
        place.initial, place.show_hidden_initial = self.instance.position, True
        self.fields["symbol"].initial = self.instance.instrument_id
        if self.instance.pk:
            self.fields["symbol"].widget.attrs |= {"readonly": True, "tabindex": "-1"}
        for name, field in self.fields.items():
            label = str(field.label or name.capitalize())
            field.widget.attrs["aria-label"] = f"{label} of {self.instance}" if self.instance.pk else label

    @property
    def typed(self) -> list[str]:
        """What a person typed into the row of an entry."""
        changed = [name for name in self.changed_data if name in (*self.compared, "place")]
        return [str(self.data.get(self.add_prefix(name), "")) for name in changed]


class EntryFormSet(InlineFormSet):
    """A page of the entries, and new ones. What another user has removed meanwhile is left out."""

    page: str | None = None
    page_shown: Page[WatchlistEntry] | None = None
    candidates: Sequence[Candidate] = ()

    def get_queryset(self) -> Any:
        """Return the entries of a page; of a form that was sent all, for it names its own."""
        if not hasattr(self, "_queryset"):
            assert self.queryset is not None
            entries = self.queryset.select_related("instrument").order_by("position", "pk")
            if not self.is_bound:
                self.page_shown = paged(entries, self.page, PER_PAGE)
            self._queryset = self.page_shown.object_list if self.page_shown else entries
        return self._queryset

    def add_fields(self, form: EntryForm, index: int | None) -> None:
        super().add_fields(form, index)
        if delete := form.fields.get("DELETE"):
            named = form.instance if form.instance.pk else "the new row"
            delete.widget.attrs["aria-label"] = f"Remove {named}"

    def gone(self) -> list[EntryForm]:
        return [form for form in self.initial_forms if form.instance.pk is None]

    def added(self) -> list[EntryForm]:
        return [
            form for form in self.extra_forms if form.has_changed() and not self._should_delete_form(form)
        ]

    def kept(self) -> list[EntryForm]:
        return [form for form in self.initial_forms if not self._should_delete_form(form)]

    def _should_delete_form(self, form: EntryForm) -> bool:
        asked = super()._should_delete_form(form)  # type: ignore[misc]  # the stubs do not have it
        return bool(asked) or form in self.gone()

    def clean(self) -> None:
        """Ask the providers for what is new: an entry that would not be added is refused here."""
        super().clean()
        new = [form for form in self.added() if form.is_valid()]
        entries = [
            Entry(
                form.cleaned_data["symbol"], group=form.cleaned_data["group"], note=form.cleaned_data["note"]
            )
            for form in new
        ]
        self.candidates = adding.candidates(entries, may_add_unlisted=False) if entries else []
        for form, candidate in zip(new, self.candidates, strict=True):
            if candidate.verdict is Verdict.REFUSED:
                form.add_error("symbol", candidate.reason)

    def save_for(self, watchlist: Watchlist, by: User, at: datetime) -> Iterator[str]:
        """Store what was changed. Yield what could not be, in words. Raises EditRefused."""
        for form in self.deleted_forms:
            if form.instance.pk:
                watchlists.remove(form.instance, by=by)
        for form in self.gone():
            if form.typed:
                gone = f"{form['symbol'].data} was taken out of the list meanwhile"
                yield f"{gone}: {', '.join(form.typed)} was not stored."
        for form in self.kept():
            _write(form, by)
        places = [form for form in self.kept() if "place" in form.changed_data and form.cleaned_data["place"]]
        if places:
            positions = {form.instance.pk: form.cleaned_data["place"] for form in places}
            watchlists.place(watchlist, positions, by=by)
        if self.candidates:
            result = watchlists.add(watchlist, self.candidates, by=by, at=at)
            if result.already:
                yield f"In the list already: {', '.join(result.already)}."
            yield from (f"{row.symbol}: {row.reason}" for row in self.candidates if row.reason)


def _write(form: EntryForm, by: User) -> None:
    values = {
        name: form.cleaned_data[name] if name in form.changed_data else form.stored[name]
        for name in form.compared
    }
    seen = (form.stored["group"], form.stored["note"])
    if seen != (values["group"], values["note"]):
        watchlists.write(form.instance, group=values["group"], note=values["note"], seen=seen, by=by)


class EntryInline(Inline):
    model = WatchlistEntry
    form = EntryForm
    formset = EntryFormSet
    extra = 0
    verbose_name, verbose_name_plural = "instrument", "instruments"

    def get_formset(self, request: HttpRequest, obj: Watchlist | None = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.page = request.GET.get("page")
        return formset

    def get_fields(self, request: HttpRequest, obj: Watchlist | None = None) -> list[Any]:
        if self.has_change_permission(request, obj):
            return ["symbol", "place", "group", "note"]
        return ["instrument", "position", "group", "note"]

    def has_view_permission(self, request: HttpRequest, obj: Watchlist | None = None) -> bool:
        return bool(request.user.has_perm("market.view_watchlist"))

    def has_change_permission(self, request: HttpRequest, obj: Watchlist | None = None) -> bool:
        return bool(request.user.has_perm("market.change_watchlist"))

    has_add_permission = has_delete_permission = has_change_permission
