from django.urls import path

from desk import (
    halt,
    home,
    inbox,
    instrument,
    opinions,
    positions,
    since_last_visit,
    watchlists,
)
from desk.scorecard import page as scorecard
from desk.signal import chart
from desk.signal import page as signal

# The pages that people work on, served at the root.
urlpatterns = [
    path("", home.desk, name="desk"),
    path("strip/", halt.fragment, name="strip"),
    path("halt/", halt.halt, name="halt"),
    path("resume/", halt.resume, name="resume"),
    path("signals/", inbox.signals, name="signals"),
    path("signals/news/", inbox.news, name="signals-news"),
    path("signals/<uuid:pk>/", signal.signal, name="signal"),
    path("signals/<uuid:pk>/bars/", chart.bars, name="signal-bars"),
    path("signals/<uuid:pk>/decide/", signal.decide, name="signal-decide"),
    path("signals/<uuid:pk>/terms/", signal.terms, name="signal-terms"),
    path("signals/<uuid:pk>/watch/", signal.watch, name="signal-watch"),
    path("signals/<uuid:pk>/opinions/", opinions.of_signal, name="signal-opinions"),
    path("signals/<uuid:pk>/ask/", opinions.ask, name="signal-ask"),
    path("opinions/", opinions.index, name="opinions"),
    path("opinions/<uuid:pk>/", opinions.opinion, name="opinion"),
    path("opinions/<uuid:pk>/cancel/", opinions.cancel, name="opinion-cancel"),
    path("signals/<uuid:pk>/approve/", signal.approve, name="signal-approve"),
    path("signals/<uuid:pk>/reject/", signal.reject, name="signal-reject"),
    path("instruments/<path:symbol>/bars/", instrument.bars, name="instrument-bars"),
    path("instruments/<path:symbol>/ask/", opinions.ask_on, name="instrument-ask"),
    path("instruments/<path:symbol>/", instrument.instrument, name="instrument"),
    path("positions/", positions.index, name="positions"),
    path("positions/<path:symbol>/close/", positions.close, name="close-position"),
    path("watchlists/", watchlists.index, name="watchlists"),
    path("watchlists/new/", watchlists.create, name="watchlist-new"),
    path("watchlists/<int:pk>/", watchlists.watchlist, name="watchlist"),
    path("watchlists/<int:pk>/edit/", watchlists.edit, name="watchlist-edit"),
    path("watchlists/<int:pk>/rename/", watchlists.rename, name="watchlist-rename"),
    path("watchlists/<int:pk>/add/", watchlists.add, name="watchlist-add"),
    path("watchlists/<int:pk>/export/", watchlists.export, name="watchlist-export"),
    path("watchlists/<int:pk>/delete/", watchlists.delete, name="watchlist-delete"),
    path("watchlists/<int:pk>/entries/<int:entry>/", watchlists.entry, name="watchlist-entry"),
    path("away/", since_last_visit.away, name="away"),
    path("scorecard/", scorecard.index, name="scorecard"),
    path("orders/<uuid:pk>/cancel/", positions.cancel, name="cancel-order"),
    path("orders/<uuid:pk>/drop/", positions.drop, name="drop-order"),
    path("orders/<uuid:pk>/release/", positions.release, name="release-order"),
]
