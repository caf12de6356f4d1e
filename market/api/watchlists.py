"""The named watchlists: lists of instruments in groups and in an order, with notes."""

from typing import Any

from django.utils import timezone
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import DestroyModelMixin, ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.api.bodies import Body
from core.api.filters import PositiveFilter
from core.api.permissions import MayChange, ModelPermissions
from core.api.preconditions import ETAG, IF_MATCH, version_seen
from core.api.refusals import IMPOSSIBLE, Conflict, PreconditionFailed, conflict
from core.api.users import user_of
from market.api.filters import SymbolInBody, SymbolsFilter
from market.api.list_import import ImportedSerializer, ImportSerializer
from market.imports import spelling
from market.imports.master import adding, watchlists
from market.imports.master.order import Move
from market.imports.master.watchlists import ChangedMeanwhile, EditRefused
from market.imports.watchlist import Entry
from market.models import Watchlist, WatchlistEntry

ROW = "[0-9]{1,18}"
MEANWHILE = conflict("Someone else has changed or removed it meanwhile: read it again.")


class WatchlistSerializer(serializers.ModelSerializer[Watchlist]):
    created_by = serializers.SlugRelatedField[Any]("username", read_only=True, allow_null=True)
    size = serializers.SerializerMethodField(help_text="How many instruments it has.")

    class Meta:
        model = Watchlist
        fields = ["id", "name", "size", "created_by", "created_at"]

    def get_size(self, watchlist: Any) -> int:
        return int(watchlist.size)


class NameSerializer(Body):
    name = serializers.CharField(max_length=watchlists.LONGEST_NAME, help_text="No other list has it.")


class WatchlistViewSet(ListModelMixin, RetrieveModelMixin, DestroyModelMixin, GenericViewSet[Watchlist]):
    """The watchlists, shared by all users. Their entries are at `/watchlist-entries/`."""

    queryset = Watchlist.objects.with_size().select_related("created_by").order_by("name", "pk")
    serializer_class = WatchlistSerializer
    lookup_value_regex = ROW
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    @extend_schema(request=NameSerializer, responses={201: WatchlistSerializer, **MEANWHILE})
    def create(self, request: Request) -> Response:
        """Make an empty list. 409 when there is one with this name."""
        made = _edit(
            watchlists.create, _valid(NameSerializer, request)["name"], by=user_of(request), at=timezone.now()
        )
        return Response(self._shown(made.pk), status=201)

    @extend_schema(request=NameSerializer, responses={200: WatchlistSerializer, **MEANWHILE})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename a list; without a name nothing changes. 409 when there is another with this name."""
        renamed, fields = self.get_object(), _valid(NameSerializer, request, partial=True)
        if "name" in fields:
            _edit(watchlists.rename, renamed, fields["name"], by=user_of(request))
        return Response(self._shown(renamed.pk))

    @extend_schema(request=ImportSerializer, responses={200: ImportedSerializer, **MEANWHILE})
    @action(["post"], detail=True, url_path="import", url_name="import", permission_classes=[MayChange])
    def import_(self, request: Request, pk: str) -> Response:
        """Add a list of symbols at the end, in its order and with its sections as groups.

        What no provider has is refused with what it looks like; whoever may add instruments can add it.
        """
        edited, fields, by = self.get_object(), _valid(ImportSerializer, request), user_of(request)
        parsed, may = fields["text"], by.has_perm("market.add_instrument")
        wanted, already = adding.candidates(parsed.entries, may_add_unlisted=may), list[str]()
        if not fields["look"]:
            already = _edit(watchlists.add, edited, wanted, by=by, at=timezone.now()).already
        left_out = [{"given": given, "reason": reason} for given, reason in parsed.left_out]
        imported = {"instruments": wanted, "left_out": left_out, "already": already}
        return Response(ImportedSerializer(imported).data)

    def perform_destroy(self, watchlist: Watchlist) -> None:
        watchlists.delete(watchlist, by=user_of(self.request))

    def _shown(self, pk: int) -> dict[str, Any]:
        return dict(self.get_serializer(self.get_queryset().get(pk=pk)).data)


class WatchlistEntrySerializer(serializers.ModelSerializer[WatchlistEntry]):
    watchlist = serializers.IntegerField(source="watchlist_id")
    symbol = serializers.CharField(source="instrument_id")

    etag = serializers.SerializerMethodField(help_text="Stands for group and note: send it as If-Match.")

    class Meta:
        model = WatchlistEntry
        fields = ["id", "watchlist", "symbol", "group", "note", "position", "etag"]

    def get_etag(self, entry: WatchlistEntry) -> str:
        return watchlists.version_of(entry)


class NewEntryVersionSerializer(serializers.Serializer[Any]):
    """What is beside a problem's own members when it is not as you saw it."""

    etag = serializers.CharField(help_text="Its version now.")
    entry = WatchlistEntrySerializer(help_text="As it is now.")


class NewEntrySerializer(Body):
    watchlist = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    symbol = SymbolInBody(help_text="Any spelling; one that is not stored yet is asked of the providers.")
    group = serializers.CharField(max_length=watchlists.LONGEST_GROUP, default="", allow_blank=True)
    note = serializers.CharField(max_length=watchlists.LONGEST_NOTE, default="", allow_blank=True)

    def validate_watchlist(self, pk: int) -> Watchlist:
        if found := Watchlist.objects.filter(pk=pk).first():
            return found
        raise serializers.ValidationError("There is no such watchlist.", code=IMPOSSIBLE)


class EditSerializer(Body):
    group = serializers.CharField(max_length=watchlists.LONGEST_GROUP, required=False, allow_blank=True)
    note = serializers.CharField(max_length=watchlists.LONGEST_NOTE, required=False, allow_blank=True)
    move = serializers.ChoiceField(
        [move.value for move in Move],
        required=False,
        help_text="Inside its group; at the end of it the whole group moves.",
    )


class WatchlistEntryFilters(FilterSet):
    watchlist = PositiveFilter("watchlist_id", "exact", "Of this watchlist.")
    symbol = SymbolsFilter(field_name="instrument_id")


class OfWatchlists(ModelPermissions):
    """Entries take the permissions on their list."""

    perms_map = {
        **{method: ["market.view_watchlist"] for method in ("GET", "HEAD", "OPTIONS")},
        **{method: ["market.change_watchlist"] for method in ("POST", "PUT", "PATCH", "DELETE")},
    }


class WatchlistEntryViewSet(
    ListModelMixin, RetrieveModelMixin, DestroyModelMixin, GenericViewSet[WatchlistEntry]
):
    """The entries of the watchlists, list by list, each in its order. What is in a list is watched."""

    queryset = WatchlistEntry.objects.select_related("watchlist").order_by("watchlist_id", "position", "pk")
    serializer_class = WatchlistEntrySerializer
    filterset_class = WatchlistEntryFilters
    permission_classes = [OfWatchlists]
    lookup_value_regex = ROW
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    @extend_schema(
        request=NewEntrySerializer,
        responses={200: WatchlistEntrySerializer, 201: WatchlistEntrySerializer, **MEANWHILE},
    )
    def create(self, request: Request) -> Response:
        """Add an instrument at the end of its group. 200 when the list has it, which changes nothing.

        422 when no provider has it; whoever may add instruments can add it nevertheless.
        """
        fields, by = _valid(NewEntrySerializer, request), user_of(request)
        entry = Entry(_ours(fields["symbol"]), group=fields["group"], note=fields["note"])
        may = by.has_perm("market.add_instrument")
        (candidate,) = adding.candidates([entry], may_add_unlisted=may)
        result = _edit(watchlists.add, fields["watchlist"], [candidate], by=by, at=timezone.now())
        if result.refused:
            raise serializers.ValidationError({"symbol": [candidate.reason]}, code=IMPOSSIBLE)
        stored = self.get_queryset().get(watchlist=fields["watchlist"], instrument=candidate.symbol)
        return self._shown(stored, 201 if result.added else 200)

    @extend_schema(parameters=[ETAG])
    def retrieve(self, request: Request, pk: str) -> Response:
        return self._shown(self.get_object())

    @extend_schema(
        request=EditSerializer,
        responses={200: WatchlistEntrySerializer, 412: NewEntryVersionSerializer, **MEANWHILE},
        parameters=[IF_MATCH, ETAG],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change group or note, or move it. Only what is sent changes.

        412 when another user has changed group or note since you read them.
        """
        entry, fields, by = self.get_object(), _valid(EditSerializer, request), user_of(request)
        if version_seen(request, version := watchlists.version_of(entry)) != version:
            raise _not_as_seen(entry)
        group, note = fields.get("group", entry.group), fields.get("note", entry.note)
        _edit(watchlists.write, entry, group=group, note=note, seen=(entry.group, entry.note), by=by)
        if "move" in fields:
            _edit(watchlists.move, entry, Move(fields["move"]), by=by)
        return self._shown(self.get_object())

    def _shown(self, entry: WatchlistEntry, status: int = 200) -> Response:
        headers = {"ETag": f'"{watchlists.version_of(entry)}"'}
        return Response(self.get_serializer(entry).data, status, headers=headers)

    def perform_destroy(self, entry: WatchlistEntry) -> None:
        watchlists.remove(entry, by=user_of(self.request))


def _valid(serializer: type[Body], request: Request, *, partial: bool = False) -> dict[str, Any]:
    body = serializer(data=request.data, partial=partial)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _ours(symbol: str) -> str:
    try:
        return spelling.ours(symbol)
    except spelling.NoSymbol as reason:
        raise serializers.ValidationError({"symbol": [str(reason)]}, code=IMPOSSIBLE) from None


def _edit(act: Any, *given: Any, **named: Any) -> Any:
    """Do it. What was refused is a conflict with what is stored."""
    try:
        return act(*given, **named)
    except ChangedMeanwhile as changed:
        raise _not_as_seen(changed.now) from None
    except EditRefused as refusal:
        raise Conflict(str(refusal)) from None


def _not_as_seen(entry: Any) -> PreconditionFailed:
    version = watchlists.version_of(entry)
    members = {"etag": version, "entry": WatchlistEntrySerializer(entry).data}
    headers = {"ETag": f'"{version}"'}
    return PreconditionFailed("Someone else has changed it since: look at it again.", members, headers)
