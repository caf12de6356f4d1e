"""The token with which a monitor reads the figures: made once, kept in a file of its own."""

import secrets
from pathlib import Path


def read_token(path: Path) -> str:
    """Return the token in the file; empty where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def ensure_token(path: Path) -> None:
    """Write a random token into the file, which Prometheus reads, unless there is one."""
    if not read_token(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32) + "\n")
