"""Rows that are recorded, not entered: read-only in the admin."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from core.admin.paging import FirstPages

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class TitledAdmin(ModelAdmin):
    """A list whose title is what it lists, not what may be selected; forms that copy no row."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, title | (extra_context or {}))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if "_saveasnew" in request.POST and not self.save_as:  # Django takes it from any form
            raise BadRequest("Rows of this page are not copied.")
        return super().changeform_view(request, object_id, form_url, extra_context)


class ReadOnlyAdmin(TitledAdmin):
    """A page to read and search. Every write is refused."""

    actions = None
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST":
            raise PermissionDenied
        return super().changelist_view(request, extra_context)


class LogAdmin(ReadOnlyAdmin):
    """A log: its first 10,000 rows are counted, and they are sorted by their index only."""

    paginator = FirstPages
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
