"""Make the secrets of a compose installation, once: the site's keys, the passwords of the database's roles.

The first directory is the site's. The second is for the database server and for migrations: the site has no
password there but its own.
"""

import secrets
import sys
from pathlib import Path

PASSWORDS = ("postgres_password", "owner_password", "site_password")
BRIDGE_TOKEN = "IB_BRIDGE_TOKEN"
OF_BEFORE = (
    "These secrets are of a version whose database had one role. This one needs a new database: see "
    "CHANGELOG.md, then docker compose down --volumes, which deletes all data."
)


def make(site: Path, owner: Path) -> None:
    passwords = {name: secrets.token_urlsafe(32) for name in PASSWORDS}
    for name, password in passwords.items():
        (owner / name).write_text(password)  # the database server reads it as a user of its own
    key = f"SECRET_KEY={secrets.token_urlsafe(50)}\n"
    write(owner / "env", key + address("jax_owner", passwords["owner_password"]))
    # Last: what was cut off before is made anew.
    token = f"METRICS_TOKEN={secrets.token_urlsafe(32)}\n"
    write(site / "env", key + address("jax_site", passwords["site_password"]) + token)


def add_bridge_token(file: Path) -> None:
    """Add the token of the IB Bridge, which installations of before do not have."""
    if BRIDGE_TOKEN not in (text := file.read_text()):
        write(file, f"{text}{BRIDGE_TOKEN}={secrets.token_urlsafe(32)}\n")


def address(role: str, password: str) -> str:
    return f"DATABASE_URL=postgres://{role}:{password}@postgres:5432/jax\n"


def write(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    started = path.with_suffix(".new")
    started.touch(mode=0o600)
    started.write_text(text)
    started.rename(path)


site, owner = map(Path, sys.argv[1:])
if not (site / "env").exists():
    make(site, owner)
elif not (owner / "env").exists():
    sys.exit(OF_BEFORE)
add_bridge_token(site / "env")
