"""The wizard's steps as an operator takes them, for the tests of its pages."""

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from market import tasks
from market.models import CandleImport, CandleUpload

IMPORTS = "/admin/market/candleimport/"
UPLOAD = f"{IMPORTS}upload/"
LOAD = "/admin/market/instrument/AAPL/load/"
DAYS = "date,open,high,low,close,volume\n2024-07-01,100,102,99,101,1000\n2024-07-02,101,103,100,102,2000\n"
MINUTES = "time,open,high,low,close,volume\n2024-07-02 09:30,100,102,99,101,1000\n"
SELECTED = re.compile(r'<select name="(\w+)".*?</select>', re.DOTALL)
OPTION = re.compile(r'<option value="([^"]*)" selected')
FIELD = re.compile(r'<input type="(?:text|number)" name="(\w+)"(?: value="([^"]*)")?')
CHECKED = re.compile(r'<input type="checkbox" name="(\w+)"[^>]*?\schecked')


def upload(client: Client, content: str | bytes = DAYS, name: str = "AAPL.csv", to: str = UPLOAD) -> Any:
    given = content.encode() if isinstance(content, str) else content
    return client.post(to, {"file": SimpleUploadedFile(name, given)})


def entered(page: str) -> dict[str, str]:
    """Return what the fields of a page hold, as a browser would send it."""
    main = page.partition('id="content"')[2]
    chosen = {
        match[1]: option[1] if (option := OPTION.search(match[0])) else ""
        for match in SELECTED.finditer(main)
    }
    typed = {match[1]: match[2] or "" for match in FIELD.finditer(main)}
    return chosen | typed | dict.fromkeys(CHECKED.findall(main), "on")


def send(client: Client, address: str, **changes: str) -> Any:
    """Send a step as it stands but for the changes; follow where it leads."""
    return client.post(address, entered(client.get(address).content.decode()) | changes, follow=True)


def to_check(client: Client, content: str | bytes = DAYS, name: str = "AAPL.csv", **said: str) -> Any:
    """Upload and describe a file; return the third step."""
    return send(client, upload(client, content, name).headers["Location"], **said)


def load(client: Client, content: str | bytes = DAYS, name: str = "AAPL.csv", **said: str) -> Any:
    """Take all steps; return the last page."""
    page = to_check(client, content, name, **said)
    return send(client, page.request["PATH_INFO"], load="Load")


def work() -> None:
    """What the worker does with the files that wait."""
    for row in CandleImport.objects.filter(status="queued"):
        tasks.load_csv(row.pk)


def address(step: str) -> str:
    return f"{UPLOAD}{CandleUpload.objects.latest('pk').pk}/{step}/"
