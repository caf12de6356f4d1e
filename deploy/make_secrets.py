"""Make the secrets of a compose installation, once: the site's key and the password of its database.

They are written into the directory given, which only the site and the database mount.
"""

import secrets
import sys
from pathlib import Path

directory = Path(sys.argv[1])
env_file = directory / "env"
if not env_file.exists():
    password = secrets.token_urlsafe(32)
    # The database server reads it as a user of its own.
    (directory / "postgres_password").write_text(password)
    started = env_file.with_suffix(".new")
    started.touch(mode=0o600)
    started.write_text(
        f"SECRET_KEY={secrets.token_urlsafe(50)}\nDATABASE_URL=postgres://jax:{password}@postgres:5432/jax\n"
        f"METRICS_TOKEN={secrets.token_urlsafe(32)}\n"
    )
    started.rename(env_file)
