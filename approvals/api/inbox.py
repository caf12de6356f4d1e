from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from approvals import proposals
from approvals.api.proposals import ProposalSerializer
from approvals.proposals import Proposal
from signals.api.signals import SignalSerializer
from signals.models import Signal


class WaitingSerializer(serializers.Serializer[Any]):
    """A signal that waits, with what approving it would do now."""

    signal = serializers.SerializerMethodField()
    etag = serializers.SerializerMethodField(help_text="Send it as If-Match when you approve.")
    proposal = serializers.SerializerMethodField()

    @extend_schema_field(SignalSerializer)
    def get_signal(self, proposal: Proposal) -> Any:
        return SignalSerializer(proposal.signal, context=self.context).data

    def get_etag(self, proposal: Proposal) -> str:
        conflicting = proposal.signal.is_conflicting  # type: ignore[attr-defined]  # annotated
        return proposal.signal.fingerprint(self.context["at"], is_conflicting=conflicting)

    @extend_schema_field(ProposalSerializer)
    def get_proposal(self, proposal: Proposal) -> Any:
        return ProposalSerializer(proposal).data


class InboxViewSet(GenericViewSet[Any]):
    """What waits for a decision, soonest to expire first. Signals that can only be measured are not in it."""

    queryset = Signal.objects.all()
    serializer_class = WaitingSerializer
    filterset_class = None

    @extend_schema(responses=WaitingSerializer(many=True))
    def list(self, request: Request) -> Response:
        at = timezone.now()
        pending = Signal.objects.pending(at).with_conflict(at).order_by("expires_at", "id")
        waiting = proposals.propose_all(list(pending), at)
        page = self.paginate_queryset([one for one in waiting if one.does is not proposals.Does.NOTHING])
        rows = WaitingSerializer(page or [], many=True, context={"at": at}).data
        return self.get_paginated_response(rows)
