"""One signal: what was said and why, what approving it does now, and the decision on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from math import prod
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals import decisions, proposals, scorecard
from approvals.gate import State
from approvals.models import SignalView, TradeApproval
from approvals.proposals import AS_PROPOSED, Proposal
from approvals.proposals.version import differences, version
from desk import corporate_actions, opinions, status_bar
from desk.forms import NotesForm, OverridesForm, RejectForm
from desk.page import APPROVE, REJECT, page, part, show, viewer
from desk.refresh import pending_of
from desk.signal import chart
from market.models import Instrument
from opinions.models import OrchestrationRun
from opinions.models.runs import newest_opinion
from signals import lifecycle, records
from signals.charts import studies, thumbnail
from signals.models import Signal

WATCHED = "its parts ask for themselves; what changes what is decided on is announced, never repainted"


@dataclass(frozen=True)
class Case:
    """What the page shows of a signal at an instant. `proposal`: None once it has ended.

    `opposite`: the pending signals that say the opposite. `opinion`: the newest second opinion. `shown`: the
    terms that stand on the person's page already; empty on a page that is new.
    """

    signal: Signal
    opposite: Sequence[Signal]
    opinion: OrchestrationRun | None
    at: datetime
    etag: str
    proposal: Proposal | None
    form: OverridesForm
    shown: str = ""

    @property
    def status(self) -> Signal.Status:
        return self.signal.status_at(self.at)

    @property
    def words(self) -> str:
        return proposals.describe(self.proposal) if self.proposal else ""

    @property
    def terms(self) -> str:
        return proposals.terms(self.proposal) if self.proposal else ""

    @property
    def levels(self) -> list[tuple[str, Decimal, Decimal | None]]:
        """Return stop and target of an entry, each with its distance from the newest price in per cent."""
        if self.proposal is None or not self.proposal.effect.is_entry:
            return []
        price, levels = self.proposal.entry_check.price, self.proposal.levels
        named = (("Stop", levels.stop_loss), ("Target", levels.take_profit))
        return [(name, level, 100 * (level - price) / price if price else None) for name, level in named]

    @property
    def has_other_terms(self) -> bool:
        """Return whether approving would do something else, or at another time, than the user's page says."""
        return self.shown not in ("", self.terms)

    @property
    def problems(self) -> list[str]:
        """Return why it cannot be approved as it is in the form; empty when it can."""
        if self.form.is_bound and not self.form.is_valid():
            return ["The figures cannot be read: see below."]
        return self.proposal.problems if self.proposal else []

    @property
    def can_be_approved(self) -> bool:
        return self.proposal is not None and not self.problems and not self.has_other_terms


@page
@require_GET
def signal(request: HttpRequest, pk: UUID) -> HttpResponse:
    bar = status_bar.load(timezone.now(), pending=pending_of(request))
    runs = opinions.runs_on(pk)
    case = _viewed(request, pk, bar.state, runs)
    context = _page_context(case, runs) | {"status_bar": bar}
    return show(request, "desk/signal.html", case.at, context, still=WATCHED if case.proposal else "")


@part
@require_GET
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer with the decision alone, for the list's dialog."""
    case = _viewed(request, pk)
    template = "desk/_decide.html" if case.proposal else "desk/_decided.html"
    return render(request, template, {"now": case.at, "back": "signals", **_context(case)})


@part
@require_GET
def terms(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer with what approving would do with the form as it is: words, figures and the button."""
    at = timezone.now()
    case = _case(pk, at, _form(request.GET), request.GET.get("terms", ""))
    return render(request, "desk/_terms.html", {"now": at, "case": case})


@part
@require_GET
def watch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer with what has changed since the page was shown; 204 while nothing has."""
    at, seen_etag = timezone.now(), request.GET.get("etag", "")
    signal = get_object_or_404(Signal.objects.with_conflict(at), pk=pk)
    opinion = _opinion(signal)
    etag = _etag(signal, opinion, at)
    if etag == seen_etag:
        return HttpResponse(status=204)
    context = {"now": at, "signal": signal, "status": signal.status_at(at)}
    context |= {"changed": differences(seen_etag, etag), "opinion": opinion, "was": request.GET}
    return render(request, "desk/_signal_changes.html", context)


@part
@permission_required(APPROVE, raise_exception=True)
@require_POST
def approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    at, form, notes = timezone.now(), OverridesForm(request.POST), NotesForm(request.POST)
    get_object_or_404(Signal, pk=pk)
    if not (form.is_valid() and notes.is_valid()):
        return _show_again(request, pk, at, [], 400)
    sent = request.POST
    try:
        decisions.approve(
            pk,
            by=viewer(request),
            seen=sent.get("etag", ""),
            shown=sent.get("terms", ""),
            at=at,
            overrides=form.overrides,
            notes=notes.cleaned_data["notes"],
        )
    except lifecycle.NotPending as ended:
        messages.warning(request, str(ended))
        return _redirect(request, pk)
    except decisions.Changed as changed:
        return _show_again(request, pk, at, [str(changed)], 412)
    except decisions.ApprovalRefused as refused:
        return _show_again(request, pk, at, refused.problems, 409)
    messages.success(request, "Approved. What becomes of the order stands on its page.")
    return _redirect(request, pk)


@part
@permission_required(REJECT, raise_exception=True)
@require_POST
def reject(request: HttpRequest, pk: UUID) -> HttpResponse:
    at, form = timezone.now(), RejectForm(request.POST)
    get_object_or_404(Signal, pk=pk)
    if not form.is_valid():
        return _show_again(request, pk, at, ["Choose one of the reasons to reject it."], 400)
    reason, notes = TradeApproval.Reason(form.cleaned_data["reason"]), form.cleaned_data["notes"]
    try:
        decisions.reject(pk, by=viewer(request), reason=reason, at=at, notes=notes)
    except lifecycle.NotPending as ended:
        messages.warning(request, str(ended))
    else:
        messages.success(request, f"Rejected: {reason.label.lower()}.")
    return _redirect(request, pk)


def _redirect(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Redirect to the list if the decision was made there, else to the signal's page."""
    return redirect("signals") if request.POST.get("back") == "signals" else redirect("signal", pk)


def _show_again(
    request: HttpRequest, pk: UUID, at: datetime, refusals: list[str], status: int
) -> HttpResponse:
    """Show the page as of now, with what the user had changed and why nothing was decided."""
    form = _form(request.POST)
    case = _case(pk, at, form) if status == 400 or form is None else _refreshed(pk, at, form.typed)
    was = request.POST if status == 412 else None
    context = _page_context(case, opinions.runs_on(pk)) | {"refusals": refusals, "was": was}
    return show(request, "desk/signal.html", at, context, status, still=WATCHED)


def _load(pk: UUID, at: datetime, viewer: User | None) -> tuple[Signal, list[Signal]]:
    """Return the signal with `is_seen` by the viewer, and the pending ones that say the opposite.

    It has `is_conflicting` from these, as `with_conflict` would annotate it.
    """
    views = SignalView.objects.filter(signal=OuterRef("pk"), user=viewer)
    signals = records.with_records(scorecard.with_rate(Signal.objects.all())).with_ratios()
    signals = signals.with_opposites(pk, at).annotate(is_seen=Exists(views)).order_by("-generated_at", "id")
    by_pk = {signal.pk: signal for signal in signals}
    if pk not in by_pk:
        raise Http404("no such signal")
    signal, opposite = by_pk.pop(pk), list(by_pk.values())
    signal.is_conflicting = bool(opposite)  # type: ignore[attr-defined]  # as if annotated
    return signal, opposite


def _opinion(signal: Signal, runs: Sequence[OrchestrationRun] | None = None) -> OrchestrationRun | None:
    """Return the newest second opinion, without a query where all runs on the signal have been read."""
    if runs is not None and len(runs) < opinions.SHOWN:
        return newest_opinion(runs)
    return OrchestrationRun.objects.newest_of([signal]).get(signal.pk)


def _etag(signal: Signal, opinion: OrchestrationRun | None, at: datetime) -> str:
    is_conflicting = signal.is_conflicting  # type: ignore[attr-defined]  # annotated
    return version(signal, at, is_conflicting=is_conflicting, opinion_id=opinion.pk if opinion else None)


def _viewed(
    request: HttpRequest,
    pk: UUID,
    state: State | None = None,
    runs: Sequence[OrchestrationRun] | None = None,
) -> Case:
    """Return the signal as of now. The first view of a user who may decide is stored."""
    case = _case(pk, timezone.now(), _form(request.GET), state=state, viewer=viewer(request), runs=runs)
    is_seen = case.signal.is_seen  # type: ignore[attr-defined]  # annotated
    if case.proposal and not is_seen and request.user.has_perm(REJECT):
        decisions.view(case.signal, by=viewer(request), at=case.at)
    return case


def _form(sent: QueryDict) -> OverridesForm | None:
    """Return the form as it was sent; None where none of its fields was."""
    return OverridesForm(sent) if OverridesForm.base_fields.keys() & sent.keys() else None


def _case(
    pk: UUID,
    at: datetime,
    form: OverridesForm | None,
    shown: str = "",
    state: State | None = None,
    viewer: User | None = None,
    runs: Sequence[OrchestrationRun] | None = None,
) -> Case:
    """Return the signal with what approving it as in the form would do."""
    signal, opposite = _load(pk, at, viewer)
    overrides = form.overrides if form and form.is_valid() else AS_PROPOSED
    is_pending = signal.status_at(at) == Signal.Status.PENDING
    proposal = proposals.propose(signal, at, overrides, state=state) if is_pending else None
    filled = form or (OverridesForm.of(proposal) if proposal else OverridesForm())
    opinion = _opinion(signal, runs)
    return Case(signal, opposite, opinion, at, _etag(signal, opinion, at), proposal, filled, shown)


def _refreshed(pk: UUID, at: datetime, typed: dict[str, str]) -> Case:
    """Return the signal with the figures of now, except those that the user typed."""
    case = _case(pk, at, OverridesForm(typed) if typed else None)
    if case.proposal is None:
        return case
    form = OverridesForm.of(case.proposal)
    form.initial.update(typed)
    return replace(case, form=form)


def _context(case: Case) -> dict[str, Any]:
    signal = case.signal
    track_records = records.read_with(signal)
    return {
        "case": case,
        "signal": signal,
        "opposite": case.opposite,
        "opinion": case.opinion,
        "rate": scorecard.rate_of(signal),
        "record": track_records.get(records.POOLED),
        "record_here": track_records.get(signal.symbol),
        "reasons": TradeApproval.Reason.choices,
        "outcomes": signal.outcomes.order_by("-ledger"),
        "decision": _decision(signal),
    }


def _decision(signal: Signal) -> TradeApproval | None:
    """Return the decision on a signal, with its order. A pending one has none, so nothing is read."""
    if signal.status == Signal.Status.PENDING:
        return None
    decided = TradeApproval.objects.select_related("approved_by", "order")
    return decided.filter(signal=signal).first()


def _page_context(case: Case, runs: Sequence[OrchestrationRun]) -> dict[str, Any]:
    """Return what the page shows, the dialog's context included."""
    signal = case.signal
    shares = prod(signal.ratios)  # type: ignore[attr-defined]  # annotated
    stored, instrument = thumbnail.around(signal), _instrument(case)
    return (
        _context(case)
        | opinions.for_signal(signal, case.at, runs)
        | {
            "picture": thumbnail.draw(signal, stored, shares),
            "drawing": {"title": thumbnail.title(signal), "facts": thumbnail.facts(signal, stored, shares)},
            "has_other_bars": shares == 1 and studies.has_other_bars(signal, stored),
            "shares": shares,
            "chart": chart.element(signal, instrument),
        }
        | _coming(case, instrument)
    )


def _coming(case: Case, instrument: Instrument | None) -> dict[str, Any]:
    """Return what is announced of a share that can still be decided on."""
    if not case.proposal or not instrument:
        return {}
    return {
        "coming": corporate_actions.announced(instrument, case.at),
        "reports": corporate_actions.reports(instrument, case.at),
    }


def _instrument(case: Case) -> Instrument | None:
    """Return the instrument, which a proposal has read already."""
    if case.proposal:
        return case.proposal.context.market.instruments[case.signal.symbol]
    return Instrument.objects.filter(pk=case.signal.symbol).first()
