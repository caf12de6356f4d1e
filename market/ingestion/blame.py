"""Whose fault is it when nothing came: the provider's, or that of the symbols that were asked for. Pure."""

from collections.abc import Set as AbstractSet

SEVERAL = 2


def is_providers(
    failed: AbstractSet[str], *, proven: AbstractSet[str], is_general: bool, has_answered: bool
) -> bool:
    """Return whether a provider is at fault. No status code proves it: IB answers 500 for one contract.

    `failed`: the symbols that it gave nothing for since its last answer. `proven`: those of all symbols that
    were answered for before and do not fail by themselves; while there are none, each counts. `is_general`:
    it refused us, does not answer at all, or says itself that it is not well. `has_answered`: for others,
    just now.
    """
    if is_general:
        return True
    if has_answered:
        return False
    witnesses = failed & proven if proven else failed
    return len(witnesses) >= SEVERAL
