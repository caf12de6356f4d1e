"""Alpaca's account activities, all pages of them."""

from collections.abc import Mapping
from typing import Any

from approvals.brokers.alpaca.wire import Api
from approvals.brokers.base import AnswerLost

ACTIVITIES = "/v2/account/activities"
ON_PAGE, MOST_PAGES = 100, 100


def read_activities(api: Api, kind: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what happened in the account, oldest first. `kind`: empty for all kinds.

    Raises AnswerLost for more than can be read: a part would look like all.
    """
    wanted = {"direction": "asc", "page_size": str(ON_PAGE), **query}
    path, rows = f"{ACTIVITIES}/{kind}".rstrip("/"), list[dict[str, Any]]()
    for _ in range(MOST_PAGES):
        page = api.rows(path, wanted)
        rows += page
        if len(page) < ON_PAGE:
            return rows
        wanted["page_token"] = page[-1]["id"]
    raise AnswerLost(f"Alpaca has more than {MOST_PAGES * ON_PAGE} activities since {query.get('after')}.")
