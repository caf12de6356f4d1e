"""Admin of the queue: schedules to switch on, off and run now; waiting and failed tasks to read.

django-q2's own pages let an administrator name any function, which a worker would then run.
"""

from typing import Any

import django_q.admin  # its pages are registered before they are replaced
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.tasks import async_task

from core import formatting, redaction
from core.admin.read_only import ReadOnlyAdmin, TitledAdmin
from core.admin.users import may, user_of
from jaxsite.processes.allowed_tasks import is_schedule_allowed
from jaxsite.processes.schedules import OFF, ON

SHORT = 120  # characters of a failure in the list

for model in (Schedule, OrmQ, Failure, Success):  # successes are not kept
    django_q.admin.admin.site.unregister(model)


@admin.register(Schedule)
class ScheduleAdmin(TitledAdmin):
    """The periodic tasks. The code says what they call and how often; one that is not ours can be deleted."""

    actions = ["switch_on", "switch_off", "run_now"]
    list_display = ["name", "state", "func", "every", "queue", "next_run", "last_failure"]
    list_filter = ["cluster"]
    search_fields = ["name", "func"]
    ordering = ["name", "pk"]
    show_full_result_count = False
    fields = ["name", "state", "func", "every", "queue", "next_run", "last_failure", "hook", "args", "kwargs"]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        failed = Failure.objects.filter(pk=OuterRef("task")).values("stopped")
        schedules: QuerySet[Any] = super().get_queryset(request).annotate(failed_at=Subquery(failed))
        return schedules

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        is_other = obj is not None and not is_schedule_allowed(obj)
        return is_other and super().has_delete_permission(request, obj)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return may(request, "django_q.change_schedule")

    @admin.display(description="")
    def state(self, schedule: Schedule) -> SafeString:
        if not is_schedule_allowed(schedule):
            return formatting.dot("bad", "refused: no task of Jax")
        return formatting.dot("warn", "off") if schedule.repeats == OFF else formatting.dot("good", "on")

    @admin.display(description="every")
    def every(self, schedule: Schedule) -> str:
        if schedule.schedule_type != Schedule.MINUTES:
            return str(schedule.get_schedule_type_display()).lower()
        return f"{schedule.minutes} min"

    @admin.display(description="queue", ordering="cluster")
    def queue(self, schedule: Schedule) -> str:
        return schedule.cluster or "default"

    @admin.display(description="last run failed")
    def last_failure(self, schedule: Schedule) -> SafeString | str:
        if not schedule.failed_at:
            return ""
        address = reverse("admin:django_q_failure_change", args=[schedule.task])
        return format_html('<a href="{}">{}</a>', address, f"{schedule.failed_at:%Y-%m-%d %H:%M}")

    @admin.action(description="Switch on", permissions=["switch"])
    def switch_on(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        self._switch(request, queryset, ON, "Switched on.")

    @admin.action(description="Switch off", permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        self._switch(request, queryset, OFF, "Switched off.")

    @admin.action(description="Run now", permissions=["switch"])
    def run_now(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        schedules = self._ours(request, queryset)
        with transaction.atomic():
            for schedule in schedules:
                queued = {"task_name": schedule.name, "group": schedule.name}
                cluster = {"cluster": schedule.cluster} if schedule.cluster else {}
                async_task(schedule.func, q_options=queued | cluster)
            _log(request, schedules, "Run now.")
        self.message_user(request, f"Queued: {_names(schedules)}.")

    def _switch(self, request: HttpRequest, queryset: "QuerySet[Any]", repeats: int, message: str) -> None:
        schedules = self._ours(request, queryset.exclude(repeats=repeats))
        with transaction.atomic():
            Schedule.objects.filter(pk__in=[schedule.pk for schedule in schedules]).update(repeats=repeats)
            _log(request, schedules, message)
        self.message_user(request, f"{message} {_names(schedules)}")

    def _ours(self, request: HttpRequest, queryset: "QuerySet[Any]") -> list[Any]:
        """Return the schedules of our own tasks, and say which ones are left out."""
        schedules = list(queryset)
        if refused := [schedule for schedule in schedules if not is_schedule_allowed(schedule)]:
            text = f"The queue calls Jax's own tasks only. Left out: {_names(refused)}."
            self.message_user(request, text, messages.ERROR)
        return [schedule for schedule in schedules if schedule not in refused]


@admin.register(OrmQ)
class QueuedTaskAdmin(ReadOnlyAdmin):
    """What waits and what a worker has taken."""

    list_display = ["pk", "name", "func", "state", "queue", "group"]
    list_filter = ["key"]
    ordering = ["pk"]
    fields = ["name", "func", "state", "queue", "group", "task_id", "arguments"]

    @admin.display(description="")
    def state(self, row: OrmQ) -> SafeString:
        is_taken = row.lock is not None and row.lock > timezone.now()
        return formatting.dot("good", "taken") if is_taken else formatting.dot("none", "waits")

    @admin.display(description="queue", ordering="key")
    def queue(self, row: OrmQ) -> str:
        return str(row.key)

    @admin.display(description="arguments")
    def arguments(self, row: OrmQ) -> str:
        return ", ".join(map(repr, row.args() or ())) or "none"


@admin.register(Failure)
class FailureAdmin(ReadOnlyAdmin):
    """Tasks that failed in the last month, with the error's text."""

    list_display = ["name", "func", "stopped", "took", "queue", "short"]
    list_filter = ["cluster", "func"]
    search_fields = ["name", "func", "group"]
    date_hierarchy = "stopped"
    ordering = ["-stopped", "-pk"]
    fields = [
        *["name", "func", "group", "queue", "started", "stopped", "took", "arguments", "text"],
    ]

    @admin.display(description="queue", ordering="cluster")
    def queue(self, task: Failure) -> str:
        return task.cluster or "default"

    @admin.display(description="took")
    def took(self, task: Failure) -> str:
        return formatting.duration(task.started, task.stopped)

    @admin.display(description="error")
    def short(self, task: Failure) -> str:
        return _text(task).partition("\n")[0].partition(" : Traceback")[0][:SHORT]

    @admin.display(description="error")
    def text(self, task: Failure) -> SafeString:
        return format_html("<pre>{}</pre>", _text(task))

    @admin.display(description="arguments")
    def arguments(self, task: Failure) -> str:
        return ", ".join(map(repr, task.args or ())) or "none"


def _text(task: Failure) -> str:
    return redaction.redact(str(task.result), redaction.secret_values(settings))


def _names(schedules: list[Any]) -> str:
    return ", ".join(str(schedule.name) for schedule in schedules) or "none"


def _log(request: HttpRequest, schedules: list[Any], message: str) -> None:
    if schedules:
        LogEntry.objects.log_actions(user_of(request).pk, schedules, CHANGE, message)
