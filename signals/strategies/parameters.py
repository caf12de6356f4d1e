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
    """Return a field of a strategy. An integer default makes it a whole number."""
    return field(default=default, metadata={"least": least, "most": most, "meaning": meaning})


@dataclass(frozen=True)
class Parameters:
    """A frozen set of parameters that can be made from what a user wrote."""

    @classmethod
    def of(cls, given: object) -> Self:
        """Return the defaults with the given values, by name, in their place.

        Values may be numbers or their text. Raises BadParameters: unknown names, no numbers, out of range, or
        impossible together.
        """
        if not isinstance(given, Mapping):
            raise BadParameters({"parameters": "must be names with their values."})
        parameters = {column.name: column for column in fields(cls)}
        errors = {
            name: f"is not a parameter of this strategy. It has: {', '.join(parameters)}."
            for name in given.keys() - parameters.keys()
        }
        values = {}
        for name in given.keys() & parameters.keys():
            try:
                values[name] = _number(parameters[name], given[name])
            except ValueError as error:
                errors[name] = str(error)
        if errors:
            raise BadParameters(dict(sorted(errors.items())))
        try:
            strategy = cls(**values)
            errors = dict(strategy.conflicts())
        except Exception as error:  # a strategy's own code: whatever it raises, it cannot be used
            raise BadParameters(
                {"parameters": f"cannot be judged ({type(error).__name__}: {error})."}
            ) from error
        if errors:
            raise BadParameters(errors)
        return strategy

    def conflicts(self) -> dict[str, str]:
        """Return the values that are impossible together: name -> what to do."""
        return {}

    def ascending(self, *names: str) -> dict[str, str]:
        """Return the conflicts of values that must each be greater than the one named before it."""
        return {
            upper: f"must be greater than {lower}, which is {getattr(self, lower)}."
            for lower, upper in pairwise(names)
            if getattr(self, lower) >= getattr(self, upper)
        }


def _number(parameter: "Field[Any]", given: object) -> float:
    least, most, whole = (
        parameter.metadata["least"],
        parameter.metadata["most"],
        isinstance(parameter.default, int),
    )
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
