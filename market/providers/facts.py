"""An answer about facts, of whatever kind. No Django or database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """Of the symbols in neither `failed` nor `declined` it holds all.

    `refused`: rows that are none, each with why. `off`: why the plan gives none of anything; it is asked
    again rarely.
    """

    facts: Sequence[T]
    failed: Mapping[str, str] = field(default_factory=dict)
    declined: Sequence[str] = ()
    refused: Sequence[str] = ()
    off: str = ""


def day(value: object) -> date | None:
    """Return a date as vendors write it; None for whatever is none."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
