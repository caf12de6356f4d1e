"""Answers in the form in which the vendors gave them."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "payloads"


def payload(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())
