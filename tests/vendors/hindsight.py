"""Hindsight on loopback: keeps documents by bank, and recalls those that share a word with the query."""

import re
from typing import Any

from tests.vendors.server import Reply, Vendor, Visit


class Hindsight(Vendor):
    """`documents`: what was retained, by bank and document id. `says`: fields that replace the answer's."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.says: dict[str, Any] = {}

    def answer(self, visit: Visit) -> Reply:
        match visit.method, visit.path.strip("/").split("/"):
            case "GET", ["health"]:
                return Reply.json({"status": "healthy", "database": "connected"})
            case "POST", ["v1", "default", "banks", bank, "memories"]:
                return self._retain(bank, visit.content or {})
            case "POST", ["v1", "default", "banks", bank, "memories", "recall"]:
                return self._recall(bank, visit.content or {})
        return Reply.json({"detail": "Not Found"}, 404)

    def _retain(self, bank: str, request: dict[str, Any]) -> Reply:
        items = request.get("items")
        if not isinstance(items, list) or not all(isinstance(item.get("content"), str) for item in items):
            return Reply.json({"detail": [{"loc": ["body", "items"], "msg": "Field required"}]}, 422)
        for item in items:
            name = item.get("document_id") or f"without-{len(self.documents)}"
            self.documents[bank, name] = item
        answer = {"success": True, "bank_id": bank, "items_count": len(items), "async": request.get("async")}
        return Reply.json({**answer, **self.says})

    def _recall(self, bank: str, request: dict[str, Any]) -> Reply:
        if not isinstance(request.get("query"), str):
            return Reply.json({"detail": [{"loc": ["body", "query"], "msg": "Field required"}]}, 422)
        wanted = _words(request["query"])
        results = [
            _fact(name, item)
            for (its_bank, name), item in self.documents.items()
            if its_bank == bank and wanted & _words(item["content"])
        ]
        return Reply.json({"results": results, **self.says})


def _fact(name: str, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"fact-{name}",
        "text": item["content"],
        "type": "world",
        "context": item.get("context"),
        "mentioned_at": item.get("timestamp"),
        "document_id": name,
        "metadata": item.get("metadata"),
        "tags": [],
    }


def _words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"\w{3,}", text)}
