"""What is answered when the session of an open page has ended: 401 to its scripts, the log-in to a person.

It has ended, too, when somebody else has logged in since, in another tab of this browser.

A form is not sent again after the log-in. The page that it belongs to says that it was not done, once.
"""

from typing import NamedTuple

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch, reverse

COOKIE = "not_done"
AN_HOUR = 3600
USER = "Jax-User"  # whose page asks; `templates/base.html` sends it with all that scripts ask for


class Form(NamedTuple):
    """What a form's address belongs to: the page to come back to, and what was not done."""

    page: str
    not_done: str


FORMS = {
    "signal-approve": Form("signal", "the signal was not approved"),
    "signal-reject": Form("signal", "the signal was not rejected"),
    "signal-ask": Form("signal", "no second opinion was asked for"),
    "instrument-ask": Form("instrument", "no second opinion was asked for"),
    "opinion-cancel": Form("opinion", "the question was not taken back"),
    "close-position": Form("close-position", "the position was not closed"),
    "cancel-order": Form("positions", "the order was not cancelled"),
    "drop-order": Form("positions", "the order was not dropped"),
    "release-order": Form("positions", "the order was not released"),
    "change-exits": Form("positions", "stop and target were not changed"),
    "put-stop-back": Form("manage-position", "no stop was placed"),
    "answer-drift": Form("positions", "what became of the shares was not said"),
    "watchlist-new": Form("watchlists", "no watchlist was made"),
    "watchlist-rename": Form("watchlist-edit", "the watchlist was not renamed"),
    "watchlist-entry": Form("watchlist-edit", "the watchlist was not changed"),
    "watchlist-add": Form("watchlist-add", "nothing was added to the watchlist"),
    "watchlist-delete": Form("watchlist-delete", "the watchlist was not deleted"),
    "halt": Form("halt", "trading was not halted"),
    "resume": Form("resume", "trading was not resumed"),
    "make-token": Form("account", "no token was made"),
    "revoke-token": Form("account", "the token was not revoked"),
    "revoke-tokens": Form("account", "no token was revoked"),
    "end-session": Form("account", "the device was not logged out"),
    "end-other-sessions": Form("account", "no device was logged out"),
    "choose-zone": Form("account", "the time zone was not changed"),
    "password": Form("account", "the password was not changed"),
}


def has_ended(request: HttpRequest) -> bool:
    """Return whether there is no session, or another user's than that of the page."""
    user = request.user
    return not user.is_authenticated or request.headers.get(USER, f"{user.pk}") != f"{user.pk}"


def ask_to_log_in(request: HttpRequest) -> HttpResponse:
    """Answer a request without a session."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Session"})
    match = request.resolver_match
    if request.method != "POST" or match is None or match.url_name not in FORMS:
        return redirect_to_login(request.get_full_path())
    answer = redirect_to_login(_page_of(match))
    answer.set_signed_cookie(
        COOKIE, match.url_name, max_age=AN_HOUR, secure=settings.PRODUCTION, httponly=True, samesite="Lax"
    )
    return answer


def _page_of(match: ResolverMatch) -> str:
    page = FORMS[str(match.url_name)].page
    kwargs = {name: value for name, value in match.kwargs.items() if name != "entry"}
    return reverse(page, kwargs={} if page in ("positions", "watchlists") else kwargs)


def say_what_was_not_done(request: HttpRequest) -> bool:
    """Add a message for the form that came without a session, if one did; return whether."""
    form = FORMS.get(request.get_signed_cookie(COOKIE, default="", max_age=AN_HOUR) or "")
    if form is None:
        return False
    messages.warning(request, f"You had been logged out: {form.not_done}. Look at it as it is now.")
    return True
