"""Noting who is here, and who has come back."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from desk.models import Presence

ABSENCE = timedelta(hours=6)  # longer than a lunch, shorter than a night
NOTED_EVERY = timedelta(minutes=1)


def note(user: User, at: datetime) -> Presence:
    """That a person has opened a page. No query but one a minute, when the user was read with it."""
    known = getattr(user, "presence", None)
    if known is None:
        known = Presence(user=user, seen_at=at)
        Presence.objects.bulk_create([known], ignore_conflicts=True)
    elif at - known.seen_at > ABSENCE:
        known.left_at, known.back_at, known.told_at, known.seen_at = known.seen_at, at, None, at
        known.save()
    elif at - known.seen_at > NOTED_EVERY:
        known.seen_at = at
        known.save(update_fields=["seen_at"])
    return known


def told(user: User, at: datetime) -> None:
    """That they have seen what happened while they were away."""
    Presence.objects.filter(user=user, told_at=None).exclude(left_at=None).update(told_at=at)
