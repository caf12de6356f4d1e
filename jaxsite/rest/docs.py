"""The API's documentation page, with assets of our own and a policy of its own."""

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularSwaggerSplitView

POLICY = {
    "script-src": [SELF],
    # Swagger UI writes styles into its elements and draws its icons from data: addresses.
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "form-action": [NONE],
}


@method_decorator(csp_replace(POLICY), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    pass
