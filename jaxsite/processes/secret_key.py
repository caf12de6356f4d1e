"""The installation's own secret key: made once, kept in the `.env` file, never in the repository."""

import fcntl
import re
import secrets
from pathlib import Path

WRITTEN = re.compile(r"^\s*SECRET_KEY\s*=\s*['\"]?([^'\"\s]+)", re.MULTILINE)


def ensure_secret_key(path: Path) -> str:
    """Return the SECRET_KEY written in the file `path`, adding a random one first if it has none.

    Raises OSError when that cannot be written.
    """
    path.touch(mode=0o600, exist_ok=True)
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two commands may start at the same moment
        text = file.read()
        if written := WRITTEN.search(text):
            return written[1]
        key = secrets.token_urlsafe(50)
        file.write(f"{'' if text.endswith(chr(10)) or not text else chr(10)}SECRET_KEY={key}\n")
        return key
