"""The parameters of strategies: each a field with a default, a range and a meaning."""

import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from itertools import pairwise
from typing import Any, Self


class BadParameters(ValueError):
    """Parameters that a strategy does not have, or impossible values. `errors`: name -> what to do."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__(" ".join(f"{name}: {error}" for name, error in self.errors.items()))


def parameter(default: float, least: float, most: float, meaning: str) -> Any:
    """A field of a strategy. An integer default makes it a whole number."""
    return field(default=default, metadata={"least": least, "most": most, "meaning": meaning})


@dataclass(frozen=True)
class Parameters:
    """A frozen set of parameters that can be made from what a person wrote."""

    @classmethod
    def of(cls, given: object) -> Self:
        """The defaults with what is given (names with values) in their place.

        Values may be numbers or their text. Raises BadParameters: unknown names, no numbers, out of range, or
        impossible together.
        """
        if not isinstance(given, Mapping):
            raise BadParameters({"parameters": "must be names with their values."})
        known = {one.name: one for one in fields(cls)}
        errors = {
            name: f"is not a parameter of this strategy. It has: {', '.join(known)}."
            for name in given.keys() - known.keys()
        }
        values = {}
        for name in given.keys() & known.keys():
            try:
                values[name] = _number(known[name], given[name])
            except ValueError as error:
                errors[name] = str(error)
        if errors:
            raise BadParameters(dict(sorted(errors.items())))
        made = cls(**values)
        if errors := made.conflicts():
            raise BadParameters(errors)
        return made

    def conflicts(self) -> dict[str, str]:
        """Which values are impossible together: name -> what to do."""
        return {}

    def ascending(self, *names: str) -> dict[str, str]:
        """The conflicts of values that must each be greater than the one named before it."""
        return {
            upper: f"must be greater than {lower}, which is {getattr(self, lower)}."
            for lower, upper in pairwise(names)
            if getattr(self, lower) >= getattr(self, upper)
        }


def _number(known: "Field[Any]", given: object) -> float:
    least, most, whole = known.metadata["least"], known.metadata["most"], isinstance(known.default, int)
    wanted = f"must be a {'whole ' if whole else ''}number from {least} to {most}."
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError(wanted)
    try:
        value = float(given)
    except (ValueError, OverflowError):
        raise ValueError(wanted) from None
    if not (math.isfinite(value) and least <= value <= most) or (whole and value != int(value)):
        raise ValueError(wanted)
    return int(value) if whole else value
