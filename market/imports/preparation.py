"""The work on an upload: looked at or split by symbol, at once when it is small, else by the queue.

A worker that dies at it is noticed within a minute, and the work is begun once more.
"""

from datetime import datetime, timedelta

from django.db.models import F, Q
from django_q.tasks import async_task

from core import locks
from market import faults
from market.imports import candles, uploads
from market.imports.csvfile.problems import BadFile
from market.models import CandleUpload, Fault

AT_ONCE = 2 << 20  # bytes of text that are worked on while a page waits
MOST_ATTEMPTS = 2
PATIENCE = 1.0  # seconds for the worker before to leave
FORGOTTEN_AFTER = timedelta(minutes=10)  # a small file: the page that began it is gone
BROKE = (
    "It ended with an error that the log and the failed tasks in admin tell. Press Check again to try again."
)
DIED = (
    "Its worker was killed twice at it, perhaps for want of memory. Nothing was stored. Split the file or"
    " load it with manage.py import_candles, or press Check again to try again."
)

Doing = CandleUpload.Doing


def start(upload: CandleUpload, doing: str, at: datetime) -> None:
    """Ask for work on a file. What was asked for before is out of date."""
    upload.doing, upload.asked_at, upload.begun_at, upload.attempts, upload.failure = doing, at, None, 0, ""
    upload.save(update_fields=["doing", "asked_at", "begun_at", "attempts", "failure"])
    if upload.unpacked <= AT_ONCE:
        run(upload, at)
    else:
        _queue(upload)


def run(upload: CandleUpload, at: datetime) -> None:
    """Do what is asked for, and again what is asked for meanwhile. A worker that is at it is left alone."""
    with locks.held(_lock(upload), PATIENCE) as is_held:
        while is_held and _begin(upload, at):
            _work(upload, at)


def take_up(at: datetime) -> None:
    """Queue once more what a dead worker has left; give up what has killed as many as it may."""
    isolation = faults.Isolation(Fault.Work.PRUNE, at)
    is_forgotten = Q(unpacked__lte=AT_ONCE, asked_at__lt=at - FORGOTTEN_AFTER) | Q(asked_at__isnull=True)
    rows = CandleUpload.objects.exclude(doing=Doing.NOTHING).filter(Q(begun_at__isnull=False) | is_forgotten)
    for upload in rows.defer("content", "looks").order_by("pk"):
        with isolation.of(f"upload {upload.pk}", f"the file {upload.file_name}"):
            _take_up(upload, at)


def describe(upload: CandleUpload) -> str:
    """Return in words what is done with a file, "" when that is nothing."""
    if not upload.doing:
        return ""
    if upload.attempts > 1:
        return f"Its worker was killed. Another one is {upload.get_doing_display()} once more."
    if upload.begun_at is None and upload.attempts:
        return "Its worker was killed. It waits for another one of the slow queue."
    if upload.begun_at is None:
        return "It waits for a worker of the slow queue."
    return f"A worker of the slow queue is {upload.get_doing_display()}."


def _queue(upload: CandleUpload) -> None:
    named = {"task_name": f"market.prepare_upload {upload.pk}", "group": "market.prepare_upload"}
    async_task("market.tasks.prepare_upload", upload.pk, q_options=named | {"cluster": "slow"})


def _begin(upload: CandleUpload, at: datetime) -> bool:
    asked = CandleUpload.objects.filter(pk=upload.pk).exclude(doing=Doing.NOTHING)
    if not asked.update(begun_at=at, attempts=F("attempts") + 1):
        return False
    upload.refresh_from_db(fields=["doing", "said", "looks", "asked_at"])
    return True


def _work(upload: CandleUpload, at: datetime) -> None:
    looks, failure = upload.looks, BROKE
    try:
        if upload.doing == Doing.LOOKING:
            looks = list(uploads.looks(upload, at))
        else:
            uploads.request_each(upload, at)
        failure = ""
    except (BadFile, candles.ImportRefused) as refusal:
        failure = str(refusal)
    finally:
        _end(upload, failure, looks=looks)


def _end(upload: CandleUpload, failure: str, **results: list[uploads.Json]) -> int:
    """End the work that was asked for; return whether nothing else has been asked for since."""
    ended = {"doing": Doing.NOTHING, "begun_at": None, "failure": failure, **results}
    if not CandleUpload.objects.filter(pk=upload.pk, asked_at=upload.asked_at).update(**ended):
        return 0
    for name, value in ended.items():
        setattr(upload, name, value)
    return 1


def _take_up(upload: CandleUpload, at: datetime) -> None:
    with locks.held(_lock(upload)) as is_held:
        if not is_held:
            return
        upload.refresh_from_db(fields=["doing", "asked_at", "attempts"])
        if upload.doing and upload.attempts >= MOST_ATTEMPTS:
            _end(upload, DIED)
        elif upload.doing:
            CandleUpload.objects.filter(pk=upload.pk).update(begun_at=None, asked_at=at)
            _queue(upload)


def _lock(upload: CandleUpload) -> str:
    return f"market upload {upload.pk}"
