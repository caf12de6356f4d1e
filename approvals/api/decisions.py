from datetime import datetime
from functools import cached_property
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from approvals import decisions, proposals
from approvals.api.approvals import ApprovalSerializer
from approvals.api.proposals import OverridesInQuery, OverridesSerializer, ProposalSerializer, overrides_of
from approvals.api.signals import SignalSerializer, signals_at
from approvals.models import Order, TradeApproval
from core.api.bodies import Body, OneOf
from core.api.filters import UUID_IN_ADDRESS
from core.api.permissions import OnePermission
from core.api.preconditions import ETAG, IF_MATCH, version_seen
from core.api.refusals import Conflict, PreconditionFailed, conflict
from core.api.users import user_of
from signals import lifecycle
from signals.models import Signal

NOTES: dict[str, Any] = {"max_length": 2000, "required": False, "allow_blank": True, "default": ""}


class MayApprove(OnePermission):
    """Who may add an approval may approve, and release."""

    permission = "approvals.add_tradeapproval"
    message = "Only traders decide: ask whoever runs this site for the group trader."


class MayReject(MayApprove):
    permission = "approvals.reject_signal"


class ApproveSerializer(OverridesSerializer):
    """All fields may be left out: the order is then made as proposed."""

    notes = serializers.CharField(**NOTES, help_text="Kept with the decision.")
    shown = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text="`shown` of the proposal that you saw: 409 where it would do anything else by now.",
    )


class RejectSerializer(Body):
    reason = OneOf(TradeApproval.Reason, help_text="Why.")
    notes = serializers.CharField(**NOTES, help_text="In your own words, kept with the decision.")


class RefusedSerializer(serializers.Serializer[Any]):
    """What is beside a problem's own members when the entry check, a limit or a halt refuses it."""

    problems = serializers.ListField(child=serializers.CharField(), required=False)
    proposal = ProposalSerializer(required=False)


class NewVersionSerializer(serializers.Serializer[Any]):
    """What is beside a problem's own members when it is not as you saw it."""

    changed = serializers.ListField(child=serializers.CharField(), help_text="What has changed.")
    etag = serializers.CharField(help_text="Its version now.")


class NewSignalVersionSerializer(NewVersionSerializer):
    signal = SignalSerializer(help_text="As it is now.")


class ReleasedSerializer(serializers.ModelSerializer[Order]):
    """What has become of an order that was held."""

    class Meta:
        model = Order
        fields = ["id", "status"]


NOT_NOW = conflict("It has ended, or the entry check, a limit or a halt refuses it.", RefusedSerializer)


class SignalDecisionViewSet(GenericViewSet[Any]):
    """Decisions on signals. Each is made once: a second one is refused and names the first."""

    queryset = Signal.objects.all()
    serializer_class = ApprovalSerializer
    pagination_class = None
    filterset_class = None
    lookup_value_regex = UUID_IN_ADDRESS

    @cached_property
    def at(self) -> datetime:
        """One instant for everything in an answer."""
        return timezone.now()

    @extend_schema(parameters=[OverridesInQuery, ETAG], responses=ProposalSerializer)
    @action(["get"], detail=True)
    def proposal(self, request: Request, pk: str) -> Response:
        """What approving would do now, in words and figures, and why it could not be done.

        The query may hold what you would change. The first look of who may decide is written down.
        """
        signal, overrides = get_object_or_404(Signal, pk=pk), overrides_of(request.query_params)
        if user_of(request).has_perm(MayReject.permission):
            decisions.view(signal, by=user_of(request), at=self.at)
        proposal = proposals.propose(signal, self.at, overrides)
        headers = {"ETag": f'"{decisions.etag_of(signal, self.at)}"'}
        return Response(ProposalSerializer(proposal).data, headers=headers)

    @extend_schema(
        request=ApproveSerializer,
        responses={201: ApprovalSerializer, 412: NewSignalVersionSerializer, **NOT_NOW},
        parameters=[IF_MATCH, ETAG],
    )
    @action(["post"], detail=True, permission_classes=[MayApprove])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve a signal as you saw it, and make its order.

        409 when it has ended (by whom), when the newest price or the limits speak against it, or while
        trading is halted: with the figures.
        """
        signal, body = get_object_or_404(Signal, pk=pk), ApproveSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        version = version_seen(request, decisions.etag_of(signal, self.at))
        try:
            approval = decisions.approve(
                signal.pk,
                by=user_of(request),
                seen=version,
                at=self.at,
                overrides=body.overrides,
                notes=body.validated_data["notes"],
                shown=body.validated_data["shown"],
            )
        except lifecycle.NotPending as ended:
            raise Conflict(str(ended)) from None
        except decisions.Changed as changed:
            raise self._changed(changed, signal) from None
        except decisions.ApprovalRefused as refusal:
            raise refused(refusal) from None
        return Response(ApprovalSerializer(approval).data, status.HTTP_201_CREATED)

    @extend_schema(
        request=RejectSerializer,
        responses={201: ApprovalSerializer, **conflict("It is no longer pending.")},
    )
    @action(["post"], detail=True, permission_classes=[MayReject])
    def reject(self, request: Request, pk: str) -> Response:
        """Reject a signal. Needs no If-Match: no is no. 409 when it has ended already."""
        signal, body = get_object_or_404(Signal, pk=pk), RejectSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            approval = decisions.reject(signal.pk, by=user_of(request), at=self.at, **body.validated_data)
        except lifecycle.NotPending as ended:
            raise Conflict(str(ended)) from None
        return Response(ApprovalSerializer(approval).data, status.HTTP_201_CREATED)

    def _changed(self, changed: decisions.Changed, signal: Signal) -> PreconditionFailed:
        current = signals_at(self.at).get(pk=signal.pk)
        members = {
            "changed": changed.what,
            "etag": changed.etag,
            "signal": SignalSerializer(current, context={"at": self.at}).data,
        }
        return PreconditionFailed(str(changed), members, {"ETag": f'"{changed.etag}"'})


class OrderDecisionViewSet(GenericViewSet[Any]):
    """Decisions on orders that need a new look."""

    queryset = Order.objects.all()
    serializer_class = ApprovalSerializer
    pagination_class = None
    filterset_class = None
    lookup_value_regex = UUID_IN_ADDRESS

    @extend_schema(
        parameters=[OverridesInQuery, ETAG],
        responses={200: ProposalSerializer, **conflict("It is not held.")},
    )
    @action(["get"], detail=True)
    def proposal(self, request: Request, pk: str) -> Response:
        """What releasing a held entry would do now, and why it could not be done. 409 when it is not held."""
        order, at = get_object_or_404(Order, pk=pk), timezone.now()
        proposal = decisions.proposal_of(order, at, overrides_of(request.query_params))
        if order.status != Order.Status.HELD or proposal is None:
            raise Conflict(f"There is nothing to propose: it is {order.get_status_display().lower()}.")
        return Response(ProposalSerializer(proposal).data, headers={"ETag": f'"{order.fingerprint()}"'})

    @extend_schema(
        request=ApproveSerializer,
        responses={202: ReleasedSerializer, 412: NewVersionSerializer, **NOT_NOW},
        parameters=[IF_MATCH, ETAG],
    )
    @action(["post"], detail=True, permission_classes=[MayApprove])
    def release(self, request: Request, pk: str) -> Response:
        """Let a held order go out after all, with a fresh look at the newest price.

        What was decided stands where the body says nothing: no more shares, the same stop and target. With
        `shown` nothing else goes out than what you saw.
        """
        order, body = get_object_or_404(Order, pk=pk), ApproveSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            order = decisions.release(
                order.pk,
                by=user_of(request),
                seen=version_seen(request, order.fingerprint()),
                at=timezone.now(),
                overrides=body.overrides,
                notes=body.validated_data["notes"],
                shown=body.validated_data["shown"],
            )
        except decisions.NotHeld as ended:
            raise Conflict(str(ended)) from None
        except decisions.Changed as changed:
            members = {"changed": changed.what, "etag": changed.etag}
            raise PreconditionFailed(str(changed), members, {"ETag": f'"{changed.etag}"'}) from None
        except decisions.ApprovalRefused as refusal:
            raise refused(refusal) from None
        return Response(ReleasedSerializer(order).data, status.HTTP_202_ACCEPTED)


def refused(refusal: decisions.ApprovalRefused) -> Conflict:
    figures = ProposalSerializer(refusal.proposal).data
    return Conflict(str(refusal), {"problems": refusal.problems, "proposal": figures})
