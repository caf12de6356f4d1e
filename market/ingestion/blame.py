"""Whose fault is it when nothing came: the provider's, or that of the symbols that were asked for. Pure."""

from collections.abc import Set as AbstractSet

SEVERAL = 2


def is_doubtful(failed: AbstractSet[str], *, proven: AbstractSet[str], as_one: bool) -> bool:
    """Return whether a provider may be at fault. No status code proves it: IB answers 500 for one contract.

    `failed`: the symbols that it gave nothing for since its last answer. `proven`: those of all symbols that
    were answered for before and do not fail by themselves; while there are none, each counts. `as_one`: it
    failed one request for several symbols, any of which may be the cause.
    """
    witnesses = failed & proven if proven else failed
    return as_one or len(witnesses) >= SEVERAL


def is_providers(
    failed: AbstractSet[str],
    *,
    proven: AbstractSet[str],
    as_one: bool,
    has_answered: bool,
    is_general: bool = False,
) -> bool:
    """Return whether a provider is at fault, once it was asked for others, too (the controls).

    `has_answered`: for any of them. `is_general`: it refused us, does not answer at all, or says itself that
    it is not well.
    """
    return is_general or (not has_answered and is_doubtful(failed, proven=proven, as_one=as_one))
