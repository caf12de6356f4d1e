from allauth.account.views import reauthenticate
from django.contrib import admin
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from approvals import urls as approvals_urls
from jaxsite.auth import account, login, token_pages
from jaxsite.monitoring import status
from jaxsite.monitoring.metrics import views
from jaxsite.rest import docs, schema
from jaxsite.views import styleguide
from market import urls as market_urls
from opinions import urls as opinions_urls
from signals import urls as signals_urls

handler400 = "jaxsite.views.errors.bad_request"
handler403 = "jaxsite.views.errors.permission_denied"
handler404 = "jaxsite.views.errors.page_not_found"
handler500 = "jaxsite.views.errors.server_error"


class Router(DefaultRouter):
    """Addresses with and without the closing slash: a redirect would turn a POST into a GET."""

    include_format_suffixes = False

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"


router = Router()
router.registry.extend(market_urls.router.registry)
router.registry.extend(signals_urls.router.registry)
router.registry.extend(opinions_urls.router.registry)
router.registry.extend(approvals_urls.router.registry)

urlpatterns = [
    path("", include("desk.urls")),
    path("status/", status.status, name="status"),
    path("account/", account.account, name="account"),
    path("account/password/", account.Password.as_view(), name="password"),
    path("account/password/changed/", account.password_changed, name="password-changed"),
    path("account/tokens/", token_pages.make, name="make-token"),
    path("account/tokens/revoke/", token_pages.revoke, name="revoke-token"),
    path("account/tokens/revoke-all/", token_pages.revoke_all, name="revoke-tokens"),
    path("account/sessions/end/", account.end_session, name="end-session"),
    path("account/sessions/end-others/", account.end_other_sessions, name="end-other-sessions"),
    path("account/zone/", account.choose_zone, name="choose-zone"),
    path("account/again/", reauthenticate, name="account_reauthenticate"),
    path("account/factors/", include("allauth.mfa.urls")),
    path("login/", login.Login.as_view(), name="login"),
    path("logout/", login.Logout.as_view(), name="logout"),
    # The same two under the names that allauth looks for; its other pages are left out.
    path("login/", login.Login.as_view(), name="account_login"),
    path("logout/", login.Logout.as_view(), name="account_logout"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("health", views.HealthView.as_view(), name="health"),
    path("metrics", views.MetricsView.as_view(), name="metrics"),
    path("admin/", admin.site.urls),
    path("api/v1/", include(router.urls)),
    path("api/schema/", schema.SchemaView.as_view(), name="schema"),
    path("api/docs/", docs.DocsView.as_view(), name="docs"),
]
