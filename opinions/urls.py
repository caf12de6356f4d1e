from rest_framework.routers import SimpleRouter

from opinions.api.memories import MemoryViewSet
from opinions.api.orchestrations import OrchestrationViewSet, SignalAnalysisViewSet

# Its registrations are served under /api/v1/ by the site's own router.
router = SimpleRouter()
router.register("signals", SignalAnalysisViewSet, basename="analysis")
router.register("orchestrations", OrchestrationViewSet)
router.register("memories", MemoryViewSet)
