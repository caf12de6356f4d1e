"""`manage.py import_watchlist`: a file of symbols into a named watchlist, and every line accounted for."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from market.models import Instrument, Watchlist
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def market() -> None:
    make.only("AAPL")
    make.trader("ann")


def run(file: Path, content: bytes, *options: str) -> str:
    file.write_bytes(content)
    out = StringIO()
    try:
        call_command("import_watchlist", str(file), "Mine", "--by", "ann", *options, stdout=out)
    except CommandError as failure:
        out.write(str(failure))
    return out.getvalue()


def test_a_file_is_added_and_every_line_accounted_for(tmp_path: Path) -> None:
    output = run(tmp_path / "list.txt", b"\xef\xbb\xbf###Value,NYSE:BRK.B,aapl,ES=F")
    assert output.splitlines() == [
        "BRK.B: new.",
        "AAPL: watched already.",
        "ES=F: left out. It looks like a future; only shares and funds are followed.",
        "Added: BRK.B, AAPL.",
        "Not added: 1, see above.",
    ]
    entries = Watchlist.objects.get(name="Mine").entries
    assert [(row.instrument_id, row.group) for row in entries.all()] == [
        ("BRK.B", "Value"),
        ("AAPL", "Value"),
    ]
    assert "In the list already: BRK.B." in run(tmp_path / "list.txt", b"BRK B")


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    assert "BRK.B: new." in run(tmp_path / "list.txt", b"BRK B", "--dry-run")
    assert not Watchlist.objects.exists()
    assert not Instrument.objects.filter(pk="BRK.B").exists()


@pytest.mark.parametrize("options", [["missing.txt", "Mine", "--by", "ann"], ["list.txt", "Mine"]])
def test_without_a_file_or_a_user_it_says_what_to_do(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("AAPL")
    with pytest.raises(CommandError, match=r"No such file|Say who adds it"):
        call_command("import_watchlist", str(tmp_path / options[0]), *options[1:])
