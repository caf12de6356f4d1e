"""The roles of the embedded server: the owner migrates, the site runs without rights on the chain's past."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from jaxsite.embedded_postgres import server
from jaxsite.embedded_postgres.server import OWNER, SITE
from tests.jaxsite.processes import ROOT, environment, manage, manage_with, server_user

pytestmark = [pytest.mark.slow, pytest.mark.long]

OWNERS = """
SELECT string_agg(DISTINCT pg_get_userbyid(owner), ' ') FROM (
    SELECT relowner AS owner FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT datdba FROM pg_database WHERE datname = current_database()
) AS every
"""
SUPERUSERS = "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolsuper AND rolcanlogin"
RIGHTS = f"""
SELECT string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM information_schema.role_table_grants
WHERE grantee = '{SITE}' AND table_name = '%s'
"""
AS_SITE = """
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone
from approvals.audit import seal
from approvals.models import AuditEvent
with connection.cursor() as cursor:
    cursor.execute("SELECT current_user")
    print(*cursor.fetchone())
    Group.objects.create(name="of the site")
    for statement in STATEMENTS:
        try:
            with transaction.atomic():
                cursor.execute(statement)
            print("done")
        except Exception as refusal:
            print(str(refusal).splitlines()[0])
"""
REFUSED = [
    "UPDATE audit_events SET text = ''",
    "DELETE FROM audit_events",
    "TRUNCATE audit_events",
    "ALTER TABLE audit_events DISABLE TRIGGER refuse_change",
    "DROP TABLE audit_events",
    "SET session_replication_role = replica",
    "CREATE ROLE other",
]


@pytest.fixture
def installed(var: Path, install: Callable[[Path], None]) -> Iterator[Path]:
    """An installation whose server runs."""
    install(var)
    with server_user(var) as keeper:
        keeper.ask("SELECT 1")
        yield var


def as_superuser(var: Path, database: str, *statements: str) -> str:
    """Return the last answer."""
    host = str(var / "postgres")
    with psycopg.connect(host=host, user="jax", dbname=database, autocommit=True) as connection:
        cursors = [connection.execute(statement) for statement in statements]
        return str((cursors[-1].fetchone() or [""])[0]) if cursors[-1].description else ""


def downgrade(var: Path, *without: str) -> None:
    """Make it an installation of before the roles: the superuser has made all that is in it."""
    for database in ("jax_simulated", "jax", "postgres"):
        as_superuser(var, database, f"REASSIGN OWNED BY {OWNER} TO jax", f"DROP OWNED BY {SITE}, {OWNER}")
    as_superuser(var, "postgres", *without)


def site(var: Path, *statements: str) -> list[str]:
    """Who the site is in the database, and what it is answered."""
    program = f"STATEMENTS = {statements!r}\n{AS_SITE}"
    return manage(var, "shell", "--no-imports", "--verbosity=0", "-c", program).splitlines()


def ask(var: Path, question: str) -> str:
    return as_superuser(var, "jax_simulated", question)


def test_the_site_may_read_and_add_to_the_chain_and_no_more(installed: Path) -> None:
    assert manage(installed, "dbshell", "--", "-Atc", "SELECT current_user").strip() == OWNER
    assert ask(installed, OWNERS) == OWNER
    assert ask(installed, SUPERUSERS) == "jax"
    assert ask(installed, RIGHTS % "audit_events") == "INSERT SELECT"
    assert ask(installed, RIGHTS % "orders") == "DELETE INSERT SELECT UPDATE"
    who, *answers = site(installed, *REFUSED, "SELECT count(*) FROM audit_events")
    assert who == SITE
    assert answers[-1] == "done"
    assert {answer.split()[0] for answer in answers[:-1]} == {"permission", "must"}


@pytest.mark.parametrize(
    "without",
    [
        [f"DROP ROLE {SITE}", f"DROP ROLE {OWNER}"],
        [f"ALTER ROLE {SITE} NOLOGIN", f"ALTER ROLE {OWNER} NOLOGIN"],  # an upgrade that was cut off
    ],
    ids=["before", "cut off"],
)
@pytest.mark.parametrize("first", ["migrate", "site"])
def test_an_installation_of_before_is_upgraded_in_place(
    installed: Path, without: list[str], first: str
) -> None:
    downgrade(installed, *without)
    if first == "migrate":
        manage(installed, "migrate", "--verbosity=0")
        manage(installed, "migrate", "--verbosity=0")
    assert site(installed)[0] == SITE
    assert ask(installed, OWNERS) == OWNER
    assert ask(installed, RIGHTS % "audit_events") == "INSERT SELECT"
    assert ask(installed, "SELECT count(*) FROM instruments") == "10"


def test_a_database_that_was_restored_is_handed_over_by_migrate(installed: Path) -> None:
    as_superuser(installed, "jax_simulated", f"REASSIGN OWNED BY {OWNER} TO jax", f"DROP OWNED BY {SITE}")
    manage(installed, "migrate", "--verbosity=0")
    assert site(installed)[0] == SITE
    assert ask(installed, RIGHTS % "audit_events") == "INSERT SELECT"


def test_on_a_server_of_ones_own_migrate_grants_the_sites_role_its_rights(installed: Path) -> None:
    as_superuser(installed, "jax_simulated", f"DROP OWNED BY {SITE}")
    address = f"postgres://{OWNER}@/jax_simulated?host={installed / 'postgres'}"
    manage_with(environment(installed) | {"DATABASE_URL": address}, "migrate", "--verbosity=0")
    assert ask(installed, RIGHTS % "audit_events") == "INSERT SELECT"
    assert ask(installed, RIGHTS % "orders") == "DELETE INSERT SELECT UPDATE"


def test_the_roles_of_compose_are_enough_for_migrate_and_the_site(installed: Path, tmp_path: Path) -> None:
    downgrade(
        installed, f"DROP ROLE {SITE}", f"DROP ROLE {OWNER}", "DROP DATABASE jax", "CREATE DATABASE jax"
    )
    for name in ("owner", "site"):
        (tmp_path / f"{name}_password").write_text(f"{name}'s secret")
    shipped = (ROOT / "deploy" / "postgres" / "roles.sql").read_text()
    (tmp_path / "roles.sql").write_text(shipped.replace("/run/jax", str(tmp_path)))
    host = str(installed / "postgres")
    psql = [str(server.programs() / "psql"), "--host", host, "--username", "jax", "-v", "ON_ERROR_STOP=1"]
    subprocess.run(
        [*psql, "--dbname", "jax", "--file", str(tmp_path / "roles.sql")], check=True
    )  # as the image does
    database = f"@/jax?host={host}"
    manage_with(
        environment(installed) | {"DATABASE_URL": f"postgres://{OWNER}{database}"}, "migrate", "--verbosity=0"
    )
    program = f"STATEMENTS = {REFUSED!r}\n{AS_SITE}"
    as_site = environment(installed) | {"DATABASE_URL": f"postgres://{SITE}{database}"}
    who, *answers = manage_with(as_site, "shell", "--no-imports", "--verbosity=0", "-c", program).splitlines()
    assert who == SITE
    assert {answer.split()[0] for answer in answers} == {"permission", "must"}
    assert as_superuser(installed, "jax", OWNERS) == OWNER
    encrypted = (
        f"SELECT count(*) FROM pg_authid WHERE rolname IN ('{OWNER}', '{SITE}') AND rolpassword ~ '^SCRAM'"
    )
    assert as_superuser(installed, "jax", encrypted) == "2"
    assert as_superuser(installed, "jax", SUPERUSERS) == "jax"
