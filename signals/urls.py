from rest_framework.routers import SimpleRouter

from signals.api.backtests import BacktestViewSet
from signals.api.scans import ScanViewSet
from signals.api.strategies import StrategyViewSet

# Its registrations are served under /api/v1/ by the site's own router.
router = SimpleRouter()
router.register("strategies", StrategyViewSet, basename="strategy")
router.register("scans", ScanViewSet)
router.register("backtests", BacktestViewSet)
