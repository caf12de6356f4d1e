from rest_framework.routers import SimpleRouter

from approvals.api.account import AccountViewSet
from approvals.api.approvals import ApprovalViewSet
from approvals.api.audit import AuditViewSet
from approvals.api.charges import ChargeViewSet
from approvals.api.decisions import OrderDecisionViewSet, SignalDecisionViewSet
from approvals.api.drifts import DriftViewSet
from approvals.api.exits import ExitsViewSet
from approvals.api.fills import FillViewSet
from approvals.api.halts import HaltViewSet
from approvals.api.inbox import InboxViewSet
from approvals.api.orders import OrderViewSet
from approvals.api.outcomes import OutcomeViewSet
from approvals.api.positions import PositionViewSet
from approvals.api.scorecard import ScorecardViewSet
from approvals.api.signals import SignalViewSet
from approvals.api.statements import StatementDifferenceViewSet
from approvals.api.trades import TradeViewSet

# Its registrations are served under /api/v1/ by the site's own router.
router = SimpleRouter()
router.register("signals", SignalViewSet)
router.register("signals", SignalDecisionViewSet, basename="decision")
router.register("orders", OrderDecisionViewSet, basename="order-decision")
router.register("orders", ExitsViewSet, basename="order-exits")
router.register("approvals", ApprovalViewSet)
router.register("inbox", InboxViewSet, basename="inbox")
router.register("outcomes", OutcomeViewSet)
router.register("scorecard", ScorecardViewSet, basename="scorecard")
router.register("halts", HaltViewSet)
router.register("audit", AuditViewSet)
router.register("orders", OrderViewSet)
router.register("fills", FillViewSet)
router.register("charges", ChargeViewSet)
router.register("drifts", DriftViewSet)
router.register("statement-differences", StatementDifferenceViewSet)
router.register("trades", TradeViewSet)
router.register("positions", PositionViewSet, basename="position")
router.register("account", AccountViewSet, basename="account")
