from django.test import RequestFactory
from django.views.debug import get_exception_reporter_filter
from pytest_django.fixtures import Settings


def test_error_pages_show_no_secret_of_a_vendor(settings: Settings) -> None:
    for name in settings.SECRET_SETTINGS:
        setattr(settings, name, f"hidden-{name}")
    assert "hidden-" not in str(get_exception_reporter_filter(RequestFactory().get("/")).get_safe_settings())


def test_error_pages_do_not_show_where_messages_go(settings: Settings) -> None:
    settings.NOTIFY_URLS = ["tgram://token/chat"]
    request = RequestFactory().get(
        "/", NOTIFY_URLS="tgram://token/chat", DATABASE_URL="postgres://me:pw@host"
    )
    reports = get_exception_reporter_filter(request)
    shown = f"{reports.get_safe_settings()}{reports.get_safe_request_meta(request)}"
    assert "NOTIFY_URLS" in shown
    assert "tgram" not in shown
    assert "postgres://me" not in shown
