"""Corporate actions whose effect nobody can compute: a person deals with them, and says what was done."""

from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from market import store
from market.ingestion import splits
from market.models import CorporateAction

LONGEST = 500


class EffectRefused(ValueError):
    """The answer was not taken. The message says why and what to do."""


@transaction.atomic
def answer(fact: CorporateAction, text: str, *, by: User, at: datetime, is_restating: bool = False) -> None:
    """Note that a person has dealt with it: the entries of its share go on. Once.

    `is_restating`: the stored prices and what is held are in shares from before this split: both are
    restated by its ratio. Raises EffectRefused.
    """
    if not text.strip() or len(text) > LONGEST:
        raise EffectRefused(f"Say what was done, in at most {LONGEST} characters.")
    if is_restating and fact.kind != CorporateAction.Kind.SPLIT:
        raise EffectRefused("Only a split or a stock dividend restates prices.")
    store.lock([fact.symbol])
    asking = CorporateAction.objects.asking(at).filter(pk=fact.pk)
    if not asking.update(answered_at=at, answered_by=by, answer=text.strip()):
        raise EffectRefused(f"{fact} does not ask any more. Look at it again.")
    if is_restating:
        change = splits.Change(float(fact.ratio), fact.ex_date)
        splits.finish(fact.symbol, change, splits.PERSON, at)
    done = "prices restated" if is_restating else "dealt with"
    LogEntry.objects.log_actions(
        by.pk, CorporateAction.objects.filter(pk=fact.pk), CHANGE, f"{fact}: {done}. {text.strip()}"
    )
