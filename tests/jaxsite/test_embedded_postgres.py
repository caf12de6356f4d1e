"""The embedded server under real faults. Every test has a data directory and processes of its own."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from jaxsite.embedded_postgres import server
from jaxsite.embedded_postgres.server import Postmaster
from tests.jaxsite.processes import (
    NOBODY,
    ROOT,
    ServerUser,
    eventually,
    kill_everything,
    processes_of,
    server_user,
    servers,
    watchers,
)

pytestmark = [pytest.mark.slow, pytest.mark.long]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
KEPT = "SELECT n FROM kept"


def test_racing_processes_share_one_server(var: Path) -> None:
    users = [ServerUser(var) for _ in range(8)]
    for user in users:
        user.send("SELECT pg_postmaster_start_time()")
    started = {user.answer() for user in users}
    assert len(started) == 1
    eventually(lambda: len(servers(var)) == len(watchers(var)) == 1)
    for user in users:
        user.leave()
    eventually(lambda: not processes_of(var))


def test_the_server_stops_when_its_last_user_is_killed(stored: Path) -> None:
    first, last = ServerUser(stored), ServerUser(stored)
    assert first.ask(KEPT) == last.ask(KEPT) == "42"
    first.kill()
    assert last.ask(KEPT) == "42"
    last.kill()
    eventually(lambda: not processes_of(stored))


def test_a_process_that_comes_while_the_server_stops_gets_a_new_one(stored: Path) -> None:
    for _ in range(5):
        with server_user(stored) as user:
            assert user.ask(KEPT) == "42"


def test_a_killed_server_is_started_again_for_a_process_that_lives(stored: Path) -> None:
    with server_user(stored) as user:
        user.ask("INSERT INTO kept VALUES (43)")
        killed = servers(stored)[0]
        killed.kill()
        eventually(lambda: not killed.is_running())
        assert user.ask("SELECT sum(n) FROM kept") == "85"
        eventually(lambda: len(servers(stored)) == len(watchers(stored)) == 1)


def test_a_server_whose_watcher_is_killed_stops_and_starts_again_when_needed(stored: Path) -> None:
    with server_user(stored) as user:
        user.ask(KEPT)
        old = servers(stored)[0]
        watchers(stored)[0].kill()
        eventually(lambda: not old.is_running())
        assert user.ask(KEPT) == "42"
        eventually(lambda: len(servers(stored)) == len(watchers(stored)) == 1)
    eventually(lambda: not processes_of(stored))


def test_after_kill_9_of_everything_nothing_committed_is_lost(stored: Path) -> None:
    with server_user(stored) as user:
        user.ask("INSERT INTO kept SELECT generate_series(1, 1000)")
        kill_everything(stored)
    with server_user(stored) as user:
        assert user.ask("SELECT count(*) FROM kept") == "1001"


def test_a_stranger_with_the_dead_servers_process_id_is_not_taken_for_it(stored: Path) -> None:
    with server_user(stored) as user:
        user.ask(KEPT)
        kill_everything(stored)
    owner = (stored / "postgres").stat().st_uid
    stranger = subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None)
    pidfile = stored / "postgres" / "postmaster.pid"
    for file in (pidfile, stored / "postgres" / ".s.PGSQL.5432.lock"):
        file.write_text("\n".join([str(stranger.pid), *file.read_text().splitlines()[1:], ""]))
    with server_user(stored) as user:
        assert user.ask(KEPT) == "42"
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_zombie_is_not_a_running_server(tmp_path: Path) -> None:
    zombie = subprocess.Popen(["bash", "-c", f"exec -a 'postgres -D {tmp_path} ' sleep 60"])
    postmaster = Postmaster(zombie.pid, "", "ready")
    eventually(lambda: postmaster.is_alive(tmp_path))
    zombie.kill()
    eventually(lambda: not postmaster.is_alive(tmp_path))
    zombie.wait()


def test_an_interrupted_first_start_is_repeated(var: Path) -> None:
    (var / "postgres.new").mkdir()
    (var / "postgres.new" / "PG_VERSION").write_text("18\n")
    with server_user(var) as user:
        assert user.ask("SELECT 1") == "1"


def test_a_folder_that_was_moved_works(stored: Path) -> None:
    moved = stored.parent / f"{stored.name} moved to a name with spaces"
    kill_everything(stored)
    stored.rename(moved)
    try:
        with server_user(moved) as user:
            assert user.ask(KEPT) == "42"
        eventually(lambda: not processes_of(moved))
    finally:
        moved.rename(stored)


def test_one_that_is_moved_while_it_is_in_use_says_what_to_stop(stored: Path) -> None:
    moved = stored.parent / f"{stored.name}-moved"
    with server_user(stored) as user:
        user.ask(KEPT)
        stored.rename(moved)
        try:
            refusal = ServerUser(moved).complaint()
        finally:
            moved.rename(stored)
    assert "was moved from" in refusal
    assert "Stop what was started there" in refusal


def test_who_uses_one_that_is_moved_makes_no_new_one_in_its_place(stored: Path) -> None:
    moved = stored.parent / f"{stored.name}-moved"
    with server_user(stored) as user:
        user.ask(KEPT)
        stored.rename(moved)
        try:
            complaint = user.complaint()
            assert not stored.exists()
        finally:
            moved.rename(stored)
    assert f"{stored} was moved or deleted while Jax ran. Stop Jax" in complaint


def test_a_place_that_cannot_be_written_is_refused_in_words() -> None:
    refusal = ServerUser(Path("/proc/var")).complaint()
    assert "cannot be written (No such file or directory: /proc/var). Set VAR_DIR" in refusal


def test_data_of_another_postgresql_is_refused_in_words(stored: Path) -> None:
    (stored / "postgres" / "PG_VERSION").write_text("17\n")
    complaint = ServerUser(stored).complaint()
    assert f"{stored}/postgres was written by PostgreSQL 17; installed is 18" in complaint
    assert not processes_of(stored)


def test_a_server_that_cannot_start_says_why(stored: Path) -> None:
    with (stored / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = plenty\n")
    complaint = ServerUser(stored).complaint()
    assert 'invalid value for parameter "shared_buffers": "plenty"' in complaint
    assert "Traceback" not in complaint


def test_a_path_too_long_for_a_socket_works_and_leaves_no_folder_behind(var: Path) -> None:
    deep = var.joinpath(*["a-folder-with-a-long-name"] * 5)
    with server_user(deep) as user:
        assert user.ask("SELECT 1") == "1"
        postmaster = Postmaster.read(deep / "postgres")
        assert postmaster
        short = Path(postmaster.socket_directory)
        assert short.stat().st_mode & 0o777 == 0o700
        assert not short.is_relative_to(var)
    eventually(lambda: not processes_of(var))
    assert not short.exists()


def test_after_kill_9_of_everything_a_short_socket_folder_is_cleared_away_too(var: Path) -> None:
    deep = var.joinpath(*["a-folder-with-a-long-name"] * 5)
    with server_user(deep) as user:
        user.ask("SELECT 1")
        old = Postmaster.read(deep / "postgres")
        assert old
        kill_everything(var)
        assert Path(old.socket_directory).exists()
    with server_user(deep) as user:
        assert user.ask("SELECT 1") == "1"
        assert not Path(old.socket_directory).exists()
    eventually(lambda: not processes_of(var))


def test_it_is_durable_closed_to_the_network_and_sorts_the_same_everywhere(stored: Path) -> None:
    with server_user(stored) as user:
        assert user.ask("SHOW server_encoding") == "UTF8"
        assert user.ask("SELECT datlocale FROM pg_database WHERE datname = 'template1'") == "C.UTF-8"
        assert user.ask("SELECT upper('é')") == "É"
        assert user.ask("SHOW fsync") == "on"
        assert user.ask("SELECT quote_literal(current_setting('listen_addresses'))") == "''"


@as_root
def test_it_works_for_an_ordinary_user(var: Path) -> None:
    os.chown(var, NOBODY, -1)
    with server_user(var, NOBODY) as user:
        assert user.ask("SELECT 1") == "1"
        assert servers(var)[0].uids().real == NOBODY
        with server_user(var) as root:
            assert root.ask("SELECT 1") == "1"
    eventually(lambda: not processes_of(var))
    with server_user(var) as root:
        assert root.ask("SELECT 1") == "1"
        assert servers(var)[0].uids().real == NOBODY
    eventually(lambda: not processes_of(var))
    with server_user(var, NOBODY) as user:
        assert user.ask("SELECT 1") == "1"


@as_root
def test_as_root_the_server_runs_as_an_account_of_its_own(stored: Path) -> None:
    with server_user(stored) as user:
        user.ask(KEPT)
        assert servers(stored)[0].username() == "jax-postgres"
        assert servers(stored)[0].gids().real == pwd.getpwnam("jax-postgres").pw_gid
        status = Path(f"/proc/{servers(stored)[0].pid}/status").read_text()
        assert "Groups:\t \n" in status


@as_root
def test_another_local_user_cannot_connect(stored: Path) -> None:
    with server_user(stored) as user:
        user.ask(KEPT)
        assert "Permission denied" in psql_as_nobody(stored)


@as_root
def test_another_local_user_cannot_connect_even_through_an_opened_folder(stored: Path) -> None:
    with server_user(stored) as user:
        user.ask(KEPT)
        (stored / "postgres").chmod(0o711)
        (stored / "postgres" / ".s.PGSQL.5432").chmod(0o777)
        assert "Peer authentication failed" in psql_as_nobody(stored)


@as_root
def test_another_local_users_installation_is_refused_in_words(stored: Path) -> None:
    stored.chmod(0o755)
    assert "belongs to another user" in ServerUser(stored, NOBODY).complaint()


@as_root
def test_a_folder_that_the_servers_account_cannot_enter_is_refused_in_words(var: Path) -> None:
    closed = var / "closed"
    closed.mkdir(mode=0o700)
    complaint = ServerUser(closed / "var").complaint()
    assert f"runs as the user jax-postgres, who cannot enter {closed} " in complaint
    assert not processes_of(var)


def psql_as_nobody(var: Path) -> str:
    psql = str(server.programs() / "psql")
    completed = subprocess.run(
        [psql, "-h", str(var / "postgres"), "-U", "jax", "-c", "SELECT 1", "postgres"],
        cwd=ROOT,
        user=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode
    return completed.stderr
