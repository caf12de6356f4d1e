from typing import Any

from django.utils import timezone
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from approvals import proposals
from approvals.api.proposals import ProposalSerializer
from approvals.api.signals import SignalSerializer, signals_at
from approvals.proposals import Proposal
from approvals.proposals.version import version
from core.api.filters import YesNoFilter
from market.api.filters import WatchlistFilter
from signals.models import Signal
from signals.models.signals import SignalQuerySet


class WaitingSerializer(serializers.Serializer[Any]):
    """A signal that waits, with what approving it would do now."""

    signal = serializers.SerializerMethodField()
    etag = serializers.SerializerMethodField(help_text="Send it as If-Match when you approve.")
    proposal = serializers.SerializerMethodField()

    @extend_schema_field(SignalSerializer)
    def get_signal(self, proposal: Proposal) -> Any:
        return SignalSerializer(proposal.signal, context=self.context).data

    def get_etag(self, proposal: Proposal) -> str:
        signal: Any = proposal.signal  # annotated
        conflicting, opinion = signal.is_conflicting, signal.opinion_id
        return version(signal, self.context["at"], is_conflicting=conflicting, opinion_id=opinion)

    @extend_schema_field(ProposalSerializer)
    def get_proposal(self, proposal: Proposal) -> Any:
        return ProposalSerializer(proposal).data


class InboxFilters(FilterSet):
    list = WatchlistFilter()
    actionable = YesNoFilter(method="leave_unfiltered", help_text="false: those that can only be measured.")

    def leave_unfiltered(self, signals: SignalQuerySet, name: str, value: bool) -> SignalQuerySet:
        """Leave them as they are: what a signal would do is known only when it is proposed."""
        return signals


class InboxViewSet(GenericViewSet[Any]):
    """What waits for a decision, soonest to expire first."""

    queryset = Signal.objects.all()
    serializer_class = WaitingSerializer
    filterset_class = InboxFilters

    @extend_schema(responses=WaitingSerializer(many=True))
    def list(self, request: Request) -> Response:
        """With `actionable=false` the others: those that are only measured."""
        at, is_actionable = timezone.now(), request.query_params.get("actionable") != "false"
        pending = signals_at(at).pending(at).order_by("expires_at", "id")
        waiting = proposals.propose_all(list(self.filter_queryset(pending)), at)
        page = self.paginate_queryset(
            [proposal for proposal in waiting if proposal.is_actionable is is_actionable]
        )
        rows = WaitingSerializer(page or [], many=True, context={"at": at}).data
        return self.get_paginated_response(rows)
