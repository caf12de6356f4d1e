from rest_framework.routers import SimpleRouter

from market.api.actions import CorporateActionViewSet
from market.api.candles import CandleViewSet
from market.api.earnings import EarningsDateViewSet
from market.api.gaps import GapViewSet
from market.api.instruments import InstrumentViewSet
from market.api.moves import UnexplainedMoveViewSet
from market.api.quotes import QuoteViewSet
from market.api.rates import CurrencyPairViewSet
from market.api.review import ReviewItemViewSet
from market.api.runs import IngestionRunViewSet
from market.api.watchlists import WatchlistEntryViewSet, WatchlistViewSet

# Its registrations are served under /api/v1/ by the site's own router.
router = SimpleRouter()
router.register("instruments", InstrumentViewSet)
router.register("quotes", QuoteViewSet)
router.register("candles", CandleViewSet)
router.register("ingestion-runs", IngestionRunViewSet)
router.register("gaps", GapViewSet)
router.register("unexplained-moves", UnexplainedMoveViewSet)
router.register("data-to-review", ReviewItemViewSet)
router.register("corporate-actions", CorporateActionViewSet)
router.register("earnings-dates", EarningsDateViewSet)
router.register("rates", CurrencyPairViewSet)
router.register("watchlists", WatchlistViewSet)
router.register("watchlist-entries", WatchlistEntryViewSet)
