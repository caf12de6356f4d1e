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
from approvals.version import differences, version
from desk import opinions, status_bar
from desk.forms import NotesForm, OverridesForm, RejectForm
from desk.page import DECIDE, page, show, viewer
from desk.signal import chart
from market.models import Instrument
from opinions.models import OrchestrationRun
from signals import lifecycle, records
from signals.charts import studies, thumbnail
from signals.models import Signal
from signals.models.signals import SignalQuerySet

OF_THE_DECISION = ("approval__approved_by", "approval__order", "superseded_by")


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
        """Stop and target that an entry would have, each with its way from the newest price in per cent."""
        if self.proposal is None or not self.proposal.effect.is_entry:
            return []
        price, levels = self.proposal.entry_check.price, self.proposal.levels
        named = (("Stop", levels.stop_loss), ("Target", levels.take_profit))
        return [(name, level, 100 * (level - price) / price if price else None) for name, level in named]

    @property
    def has_other_terms(self) -> bool:
        """It would do another thing, or at another time, than the page of the person says."""
        return self.shown not in ("", self.terms)

    @property
    def problems(self) -> list[str]:
        """Why it cannot be approved as it stands in the form; empty when it can."""
        if self.form.is_bound and not self.form.is_valid():
            return ["The figures cannot be read: see below."]
        return self.proposal.problems if self.proposal else []

    @property
    def can_be_approved(self) -> bool:
        return self.proposal is not None and not self.problems and not self.has_other_terms


@page
@require_GET
def signal(request: HttpRequest, pk: UUID) -> HttpResponse:
    above = status_bar.load(timezone.now())
    case = _looked_at(request, pk, above.state)
    return show(request, "desk/signal.html", case.at, _whole(case) | {"strip": above})


@page
@require_GET
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The decision by itself, for the list's dialog."""
    case = _looked_at(request, pk)
    template = "desk/_decide.html" if case.proposal else "desk/_decided.html"
    return render(request, template, {"now": case.at, "back": "signals", **_context(case)})


@page
@require_GET
def terms(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What approving would do with what stands in the form now: words, figures and the button."""
    at = timezone.now()
    case = _case(pk, at, _filled(request.GET), request.GET.get("terms", ""))
    return render(request, "desk/_terms.html", {"now": at, "case": case})


@page
@require_GET
def watch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Nothing while the signal is what the page shows; what has changed when it is not any more."""
    at, seen = timezone.now(), request.GET.get("etag", "")
    found = get_object_or_404(_signals(at), pk=pk)
    opinion = _opinion(found)
    etag = _etag(found, opinion, at)
    if etag == seen:
        return HttpResponse(status=204)
    context = {"now": at, "signal": found, "status": found.status_at(at), "changed": differences(seen, etag)}
    context |= {"opinion": opinion, "was": request.GET}
    return render(request, "desk/_changed.html", context)


@page
@permission_required(DECIDE, raise_exception=True)
@require_POST
def approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    at, form, notes = timezone.now(), OverridesForm(request.POST), NotesForm(request.POST)
    get_object_or_404(Signal, pk=pk)
    if not (form.is_valid() and notes.is_valid()):
        return _again(request, pk, at, [], 400)
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
        return _done(request, pk)
    except decisions.Changed as changed:
        return _again(request, pk, at, [str(changed)], 412)
    except decisions.ApprovalRefused as refused:
        return _again(request, pk, at, refused.problems, 409)
    messages.success(request, "Approved. What becomes of the order stands on its page.")
    return _done(request, pk)


@page
@permission_required(DECIDE, raise_exception=True)
@require_POST
def reject(request: HttpRequest, pk: UUID) -> HttpResponse:
    at, form = timezone.now(), RejectForm(request.POST)
    get_object_or_404(Signal, pk=pk)
    if not form.is_valid():
        return _again(request, pk, at, ["Choose one of the reasons to reject it."], 400)
    reason, notes = TradeApproval.Reason(form.cleaned_data["reason"]), form.cleaned_data["notes"]
    try:
        decisions.reject(pk, by=viewer(request), reason=reason, at=at, notes=notes)
    except lifecycle.NotPending as ended:
        messages.warning(request, str(ended))
    else:
        messages.success(request, f"Rejected: {reason.label.lower()}.")
    return _done(request, pk)


def _done(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Back to the list for whoever decided from there, else to the signal's page."""
    return redirect("signals") if request.POST.get("back") == "signals" else redirect("signal", pk)


def _again(request: HttpRequest, pk: UUID, at: datetime, said: list[str], status: int) -> HttpResponse:
    """The page as it is now, with all that the person had changed, and why nothing was decided."""
    sent = _filled(request.POST)
    case = _case(pk, at, sent) if status == 400 or sent is None else _renewed(pk, at, sent.typed)
    was = request.POST if status == 412 else None
    return show(request, "desk/signal.html", at, _whole(case) | {"refusals": said, "was": was}, status)


def _signals(at: datetime) -> SignalQuerySet:
    return Signal.objects.with_conflict(at).select_related(*OF_THE_DECISION)


def _found(pk: UUID, at: datetime, viewer: User | None) -> tuple[Signal, list[Signal]]:
    """The signal, with whether it was seen by whoever looks, and those that say the opposite."""
    seen = SignalView.objects.filter(signal=OuterRef("pk"), user=viewer)
    found_all = records.with_records(scorecard.with_rate(_signals(at))).with_ratios()
    found_all = found_all.with_opposites(pk, at).annotate(is_seen=Exists(seen))
    rows = list(found_all.order_by("-generated_at", "id"))
    found = next((one for one in rows if one.pk == pk), None)
    if found is None:
        raise Http404("no such signal")
    return found, [one for one in rows if one.pk != pk]


def _opinion(found: Signal) -> OrchestrationRun | None:
    return OrchestrationRun.objects.newest_of([found]).get(found.pk)


def _etag(found: Signal, opinion: OrchestrationRun | None, at: datetime) -> str:
    is_conflicting = found.is_conflicting  # type: ignore[attr-defined]  # annotated
    return version(found, at, is_conflicting=is_conflicting, opinion_id=opinion.pk if opinion else None)


def _looked_at(request: HttpRequest, pk: UUID, state: State | None = None) -> Case:
    """The signal as it is now. The first look of whoever may decide is written down."""
    case = _case(pk, timezone.now(), _filled(request.GET), state=state, viewer=viewer(request))
    is_seen = case.signal.is_seen  # type: ignore[attr-defined]  # annotated
    if case.proposal and not is_seen and request.user.has_perm(DECIDE):
        decisions.view(case.signal, by=viewer(request), at=case.at)
    return case


def _filled(sent: QueryDict) -> OverridesForm | None:
    """The form as it was sent; None where nothing of it was."""
    return OverridesForm(sent) if OverridesForm.base_fields.keys() & sent.keys() else None


def _case(
    pk: UUID,
    at: datetime,
    form: OverridesForm | None,
    shown: str = "",
    state: State | None = None,
    viewer: User | None = None,
) -> Case:
    """The signal, with what stands in the form."""
    found, opposite = _found(pk, at, viewer)
    overrides = form.overrides if form and form.is_valid() else AS_PROPOSED
    is_pending = found.status_at(at) == Signal.Status.PENDING
    proposal = proposals.propose(found, at, overrides, state=state) if is_pending else None
    filled = form or (OverridesForm.of(proposal) if proposal else OverridesForm())
    opinion = _opinion(found)
    return Case(found, opposite, opinion, at, _etag(found, opinion, at), proposal, filled, shown)


def _renewed(pk: UUID, at: datetime, typed: dict[str, str]) -> Case:
    """The signal with the figures of now, but for those that the person typed."""
    case = _case(pk, at, OverridesForm(typed) if typed else None)
    if case.proposal is None:
        return case
    form = OverridesForm.of(case.proposal)
    form.initial.update(typed)
    return replace(case, form=form)


def _context(case: Case) -> dict[str, Any]:
    found = case.signal
    known = records.read_with(found)
    return {
        "case": case,
        "signal": found,
        "opposite": case.opposite,
        "opinion": case.opinion,
        "rate": scorecard.rate_of(found),
        "record": known.get(records.POOLED),
        "record_here": known.get(found.symbol),
        "reasons": TradeApproval.Reason.choices,
        "outcomes": found.outcomes.order_by("-ledger"),
        "decision": getattr(found, "approval", None),
    }


def _whole(case: Case) -> dict[str, Any]:
    """What the page shows and the dialog does not."""
    found = case.signal
    shares = prod(found.ratios)  # type: ignore[attr-defined]  # annotated
    stored = thumbnail.around(found)
    return (
        _context(case)
        | opinions.beside(found, case.at)
        | {
            "picture": thumbnail.draw(found, stored, shares),
            "drawing": {"title": thumbnail.title(found), "facts": thumbnail.facts(found, stored, shares)},
            "has_other_bars": shares == 1 and studies.has_other_bars(found, stored),
            "shares": shares,
            "chart": chart.element(found, _instrument(case)),
        }
    )


def _instrument(case: Case) -> Instrument | None:
    """Known already where there is something to propose."""
    if case.proposal:
        return case.proposal.context.market.instruments[case.signal.symbol]
    return Instrument.objects.filter(pk=case.signal.symbol).first()
