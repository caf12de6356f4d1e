from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from market.imports import configuration
from market.ingestion import request_budget


class Command(BaseCommand):
    help = (
        "Take over the watchlist, interval and provider settings of an older installation (jax-market.json)."
        " Settings go into .env, beside what is there; secrets are not printed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="only say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        env_file = settings.ENV_FILE
        try:
            planned = configuration.plan(options["file"].read_text(), env_file)
            if not options["dry_run"]:
                configuration.carry_out(planned, env_file)
        except (OSError, UnicodeDecodeError, configuration.ConfigurationRefused) as error:
            raise CommandError(f"Nothing was taken over.\n{error}") from error
        self.stdout.write(describe(planned, env_file, only_planned=options["dry_run"]))
        if planned.watched and not options["dry_run"] and (warning := request_budget.warning()):
            self.stderr.write(self.style.WARNING(warning))


def describe(planned: configuration.ConfigurationPlan, env_file: Path, *, only_planned: bool) -> str:
    lines = [
        f"{'Would be' if only_planned else 'Now'} watched: {', '.join(planned.watched) or 'nothing new'}."
    ]
    if planned.others:
        lines.append(f"Watched before, not in the file, still watched: {', '.join(planned.others)}.")
    lines.append(f"{'Would be written' if only_planned else 'Written'} to {env_file}:")
    lines += [f"  {configuration.masked(name, value)}" for name, value in planned.written.items()] or [
        "  nothing"
    ]
    for name, value in planned.kept.items():
        lines.append(f"  {configuration.masked(name, value)} stays, though the file says otherwise.")
    lines += planned.notes
    if planned.written and not only_planned:
        lines.append("Restart Jax for the settings to take effect, then ask `manage.py doctor`.")
    return "\n".join(lines)
