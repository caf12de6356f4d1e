"""agent0-service on loopback."""

from typing import Any

from tests.vendors import opinions
from tests.vendors.alpaca import stamp
from tests.vendors.server import Reply, Vendor, Visit

HOLD_OF_A_FAILURE = {
    "action": "HOLD",
    "confidence": 10,
    "key_factors": [],
    "reasoning": "Analysis unavailable.",
}
WATCH_OF_A_FAILURE = {"action": "WATCH", "confidence": 30, "key_factors": [], "reasoning": "Could not parse."}


class Agent0(Vendor):
    """`says`: fields that replace those of the answer. `invents`: its numbers are made up."""

    unlimited = ("/health",)

    def __init__(self, *, invents: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.invents = invents
        self.says: dict[str, Any] = {}

    def answer(self, visit: Visit) -> Reply:
        match visit.method, visit.path:
            case "GET", "/health":
                return Reply.json({"status": "healthy", "llm_provider": "loopback", "llm_model": "made-up"})
            case "POST", "/suggest":
                return self._suggest(visit.content)
        return Reply.json({"detail": "Not Found"}, 404)

    def _suggest(self, request: Any) -> Reply:
        if not isinstance(request, dict) or not isinstance(request.get("symbol"), str):
            return Reply.json({"detail": [{"loc": ["body", "symbol"], "msg": "Field required"}]}, 422)
        snapshot = opinions.snapshot_in(request.get("context") or "")
        opinion = opinions.inventive(snapshot) if self.invents else opinions.honest(snapshot)
        return Reply.json({**self._answer(request["symbol"], opinion), **self.says})

    def _answer(self, symbol: str, opinion: opinions.Said) -> dict[str, Any]:
        return {
            "symbol": symbol,
            "action": opinion["action"],
            "confidence": opinion["confidence"] * 100,
            "signal_strength": "moderate",
            "reasoning": opinion["reasoning"],
            "key_factors": [*opinion["for"], *(f"Against: {text}" for text in opinion["against"])],
            "time_horizon": "swing",
            "entry_price": None,
            "target_price": None,
            "stop_loss": None,
            "risk": {"risk_level": "medium"},
            "memories_used": [],
            "model_used": "made-up",
            "provider": "loopback",
            "generated_at": stamp(self.at),
            "request_id": "5f2c",
        }
