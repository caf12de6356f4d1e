"""Do something with many members at once, and find those of them that it fails on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Member = TypeVar("Member")
Result = TypeVar("Result")

MOST_CALLS = 64  # enough to find three members among a million


@dataclass
class Halved(Generic[Member, Result]):
    """What came of it: a result for each part that went well, and the members that it failed on, with why."""

    results: list[Result] = field(default_factory=list)
    failed: list[tuple[Member, Exception]] = field(default_factory=list)


def by_halves(
    members: Sequence[Member],
    act: Callable[[Sequence[Member]], Result],
    errors: tuple[type[Exception], ...],
    *,
    common: tuple[type[Exception], ...] = (),
) -> Halved[Member, Result]:
    """Call `act` with all members; where it raises one of `errors`, with halves, down to single members.

    An `act` that raised has to have left nothing behind. One of the `common` errors that comes for the only
    member, or for two while it has gone well for none, is not the members' fault: it is raised. After
    MOST_CALLS the members of a part count as failed together: whoever calls tries them again later, and by
    then without those that were found.
    """
    halved: Halved[Member, Result] = Halved()
    parts, calls = [members] if members else [], 0
    while parts:
        part, calls = parts.pop(), calls + 1
        try:
            halved.results.append(act(part))
        except errors as error:
            if len(part) > 1 and calls < MOST_CALLS:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
                continue
            halved.failed += [(member, error) for member in part]
            is_no_members = len(halved.failed) > 1 or not parts
            if isinstance(error, common) and is_no_members and not halved.results:
                raise
    return halved
