"""Ask the providers again what they say of instruments, and tell what changed: a new name, a delisting.

Details become true again and nothing else follows: positions and orders stay, and what is watched is watched.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import F, Q

from market import faults
from market.imports.master import lookup
from market.imports.master.adding import facts
from market.imports.master.lookup import Answer, State
from market.models import DetailChange, Fault, Instrument
from market.providers.listings import Status

logger = logging.getLogger(__name__)

AT_ONCE = 50
OUTDATED = timedelta(days=7)
KEPT = timedelta(days=365)


def refresh(at: datetime) -> int:
    """Ask for those that were asked for longest ago, as far as the pace allows. Return what changed."""
    DetailChange.objects.filter(found_at__lt=at - KEPT).delete()
    due = Instrument.objects.fetched().filter(Q(details_at=None) | Q(details_at__lt=at - OUTDATED))
    # In no order among those that were never asked for: one that fails must not keep back the others.
    symbols = list(due.order_by(F("details_at").asc(nulls_first=True), "?").values_list("pk", flat=True))
    answers = lookup.ask(symbols[:AT_ONCE])
    changed = _store_each([answer for answer in answers.values() if answer.state is not State.UNKNOWN], at)
    unknown = sum(answer.state is State.UNKNOWN for answer in answers.values())
    logger.info("details: %s asked, %s not answered, %s changed", len(answers), unknown, changed)
    return changed


def _store_each(answers: Sequence[Answer], at: datetime) -> int:
    """Store what is answered, each by itself: one that fails is remembered, and the others go on."""
    isolation, changed = faults.Isolation(Fault.Work.DETAILS, at), 0
    for answer in answers:
        if not isolation.is_paused(answer.symbol):
            with isolation.of(answer.symbol):
                changed += _store(answer, at)
    return changed


def _store(answer: Answer, at: datetime) -> int:
    """Store what a provider says now. Return how many facts are others than before."""
    instrument = Instrument.objects.select_for_update().get(pk=answer.symbol)
    given = _given(instrument, answer, at)
    changes = list(_changes(instrument, given, answer.provider, at))
    DetailChange.objects.bulk_create(changes)
    Instrument.objects.filter(pk=instrument.pk).update(**given)
    for change in changes:
        logger.warning("%s says %s", answer.provider, change)
    return len(changes)


def _given(instrument: Instrument, answer: Answer, at: datetime) -> dict[str, object]:
    """Return the fields to set. What is not listed any more has an unknown status: no end is told."""
    if answer.listing is None:
        status = instrument.status if instrument.status == Status.DELISTED else Status.UNKNOWN.value
        return {"status": status, "details_from": answer.provider, "details_at": at}
    given = facts(answer.listing, answer.provider, at)
    given.pop("tick_size", None)  # orders count on it: it changes by hand only
    given.pop("lot_size", None)
    if given["delisted_on"] is None and given["status"] == instrument.status:
        given.pop("delisted_on")  # a person may know the day
    if instrument.name in ("", instrument.listed_name) and given["listed_name"]:
        given["name"] = given["listed_name"]
    return given


def _changes(
    instrument: Instrument, given: dict[str, object], provider: str, at: datetime
) -> Iterator[DetailChange]:
    """Yield the facts that are others than the same provider, or any, said before."""
    compared = {"status": instrument.status}
    if instrument.details_from == provider:  # others write names and exchanges differently
        compared |= {"name": instrument.listed_name, "exchange": instrument.exchange}
    for fact, before in compared.items():
        after = str(given.get("listed_name" if fact == "name" else fact, before))
        is_first = before in ("", Status.UNKNOWN) and after != Status.DELISTED
        if after != before and not is_first:
            yield DetailChange(
                symbol=instrument.pk, fact=fact, before=before, after=after, provider=provider, found_at=at
            )
