from django.urls import path
from rest_framework.routers import SimpleRouter

from approvals.api.account import AccountViewSet
from approvals.api.approvals import ApprovalViewSet
from approvals.api.audit import AuditViewSet
from approvals.api.decisions import OrderDecisionViewSet, SignalDecisionViewSet
from approvals.api.fills import FillViewSet
from approvals.api.halts import HaltViewSet
from approvals.api.inbox import InboxViewSet
from approvals.api.orchestrations import OrchestrationViewSet, SignalAnalysisViewSet
from approvals.api.orders import OrderViewSet
from approvals.api.outcomes import OutcomeViewSet
from approvals.api.positions import PositionViewSet
from approvals.api.scorecard import ScorecardViewSet
from approvals.views import (
    away,
    desk,
    instrument,
    opinions,
    past,
    positions,
    scorecard,
    shell,
    signal,
    signals,
)

# Its registrations are served under /api/v1/ by the site's own router.
router = SimpleRouter()
router.register("signals", SignalDecisionViewSet, basename="decision")
router.register("signals", SignalAnalysisViewSet, basename="analysis")
router.register("orchestrations", OrchestrationViewSet)
router.register("orders", OrderDecisionViewSet, basename="order-decision")
router.register("approvals", ApprovalViewSet)
router.register("inbox", InboxViewSet, basename="inbox")
router.register("outcomes", OutcomeViewSet)
router.register("scorecard", ScorecardViewSet, basename="scorecard")
router.register("halts", HaltViewSet)
router.register("audit", AuditViewSet)
router.register("orders", OrderViewSet)
router.register("fills", FillViewSet)
router.register("positions", PositionViewSet, basename="position")
router.register("account", AccountViewSet, basename="account")

# The pages that people work on, served at the root.
pages = [
    path("", desk.desk, name="desk"),
    path("desk/update/", desk.update, name="desk-update"),
    path("strip/", shell.fragment, name="strip"),
    path("halt/", shell.halt, name="halt"),
    path("resume/", shell.resume, name="resume"),
    path("signals/", signals.signals, name="signals"),
    path("signals/news/", signals.news, name="signals-news"),
    path("signals/<uuid:pk>/", signal.signal, name="signal"),
    path("signals/<uuid:pk>/bars/", past.bars, name="signal-bars"),
    path("signals/<uuid:pk>/decide/", signal.decide, name="signal-decide"),
    path("signals/<uuid:pk>/terms/", signal.terms, name="signal-terms"),
    path("signals/<uuid:pk>/watch/", signal.watch, name="signal-watch"),
    path("signals/<uuid:pk>/opinions/", opinions.of_signal, name="signal-opinions"),
    path("signals/<uuid:pk>/ask/", opinions.ask, name="signal-ask"),
    path("opinions/", opinions.index, name="opinions"),
    path("opinions/<uuid:pk>/", opinions.opinion, name="opinion"),
    path("opinions/<uuid:pk>/cancel/", opinions.cancel, name="opinion-cancel"),
    path("signals/<uuid:pk>/approve/", signal.approve, name="signal-approve"),
    path("signals/<uuid:pk>/reject/", signal.reject, name="signal-reject"),
    path("instruments/<path:symbol>/bars/", instrument.bars, name="instrument-bars"),
    path("instruments/<path:symbol>/opinions/", opinions.of_instrument, name="instrument-opinions"),
    path("instruments/<path:symbol>/ask/", opinions.ask_on, name="instrument-ask"),
    path("instruments/<path:symbol>/", instrument.instrument, name="instrument"),
    path("positions/", positions.index, name="positions"),
    path("positions/<path:symbol>/close/", positions.close, name="close-position"),
    path("away/", away.away, name="away"),
    path("scorecard/", scorecard.index, name="scorecard"),
    path("orders/<uuid:pk>/cancel/", positions.cancel, name="cancel-order"),
    path("orders/<uuid:pk>/drop/", positions.drop, name="drop-order"),
    path("orders/<uuid:pk>/release/", positions.release, name="release-order"),
]
