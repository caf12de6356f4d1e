from rest_framework.routers import SimpleRouter

from approvals.api.approvals import ApprovalViewSet
from approvals.api.decisions import OrderDecisionViewSet, SignalDecisionViewSet
from approvals.api.inbox import InboxViewSet

# Its registrations are served under /api/v1/ by the site's own router.
router = SimpleRouter()
router.register("signals", SignalDecisionViewSet, basename="decision")
router.register("orders", OrderDecisionViewSet, basename="order-decision")
router.register("approvals", ApprovalViewSet)
router.register("inbox", InboxViewSet, basename="inbox")
