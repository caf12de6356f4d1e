"""The `.env` file. django-environ passes over what it cannot read: a limit would keep its default."""

import re
from pathlib import Path

SETTING = re.compile(r"(?:export )?[A-Za-z_0-9]+=.*")


def problems(path: Path) -> list[str]:
    """Return a sentence for each line that sets nothing, or one when the file cannot be read at all.

    A file that is not there has none. Lines are named by their numbers: they may hold secrets.
    """
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        return [f"{path} cannot be read ({reason}). Correct the file, its permissions or ENV_FILE."]
    return [
        f"{path}, line {number}, sets nothing. Write NAME=value without spaces before it or around the =, "
        "and begin a comment with #."
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("#") and not SETTING.fullmatch(line)
    ]
