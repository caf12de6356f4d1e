"""The rates of currencies that are needed: read-only, they are fetched by themselves."""

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import ReadOnlyAdmin
from market.models import CurrencyPair
from market.quotes.pairs import PairRate, with_rates


@admin.register(CurrencyPair)
class CurrencyPairAdmin(ReadOnlyAdmin):
    """Each pair with its newest rate, and why there is none."""

    list_display = ["symbol", "rate", "age", "source", "state"]
    list_per_page = 50
    search_fields = ["symbol"]
    ordering = ["symbol"]
    fields = ["symbol", "rate", "as_of", "age", "source", "state", "needed_since", "asked_at", "problem"]

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Read the rates of all rows at once."""
        page = super().get_changelist_instance(request)
        for seen in with_rates(page.result_list, timezone.now()):
            seen.pair.with_rate = seen  # type: ignore[attr-defined]  # of this page
        return page

    def _seen(self, pair: CurrencyPair) -> PairRate:
        """Return the pair with its rate, read once."""
        seen: PairRate | None = getattr(pair, "with_rate", None)
        if seen is None:
            (seen,) = with_rates([pair], timezone.now())
            pair.with_rate = seen  # type: ignore[attr-defined]  # of this page
        return seen

    @admin.display(description="rate")
    def rate(self, pair: CurrencyPair) -> str:
        quote = self._seen(pair).quote
        return f"{quote.price:.6g}" if quote else formatting.NOTHING

    @admin.display(description="as of (UTC)")
    def as_of(self, pair: CurrencyPair) -> str:
        quote = self._seen(pair).quote
        return f"{quote.as_of:%Y-%m-%d %H:%M:%S}" if quote else formatting.NOTHING

    @admin.display(description="age while currencies trade")
    def age(self, pair: CurrencyPair) -> str:
        age = self._seen(pair).age
        return formatting.NOTHING if age is None else formatting.ago(age)

    @admin.display(description="from")
    def source(self, pair: CurrencyPair) -> str:
        quote = self._seen(pair).quote
        return f"{quote.provider}, {quote.feed}" if quote else formatting.NOTHING

    @admin.display(description="state")
    def state(self, pair: CurrencyPair) -> SafeString:
        seen = self._seen(pair)
        if seen.is_usable:
            return formatting.dot("good", "usable")
        return formatting.dot("bad", "; ".join(filter(None, [seen.why_none, pair.problem])))
