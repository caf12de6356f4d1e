"""Bars of many symbols as one batch, in the order of their key, and what of it is news."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.prices import COLUMNS, Bars, Flags, Instants


@dataclass(frozen=True)
class Batch:
    """Bars by symbol and opening, each opening once; `ordinals` says whose (1 is the first symbol)."""

    ordinals: NDArray[np.int32]
    bars: Bars

    def __len__(self) -> int:
        return len(self.bars)

    def __getitem__(self, rows: "slice | Flags | NDArray[np.intp]") -> "Batch":
        return Batch(self.ordinals[rows], self.bars[rows])

    @classmethod
    def of(cls, bars: Mapping[str, Bars]) -> "Batch":
        """Return the bars of symbols that come in their order; of two with one opening the last."""
        sizes = [len(given) for given in bars.values()]
        batch = cls(np.repeat(np.arange(1, len(sizes) + 1, dtype=np.int32), sizes), Bars.join(bars.values()))
        if np.isnat(batch.bars.opened_at).any():
            raise ValueError("A bar has no opening.")
        keys = batch.keys
        if bool((keys[1:] > keys[:-1]).all()):
            return batch
        order = np.argsort(keys, kind="stable")
        return batch[order[np.append(keys[order][1:] != keys[order][:-1], True)]]

    @property
    def keys(self) -> NDArray[np.complex128]:
        """Whose and when as one number: complex ones sort by the real part, then by the imaginary one."""
        opened_at: Instants = self.bars.opened_at
        return self.ordinals + 1j * opened_at.astype(np.int64)

    def news(self, stored: "Batch", alike: Flags) -> tuple[Flags, Flags]:
        """Return which bars are not stored, and which are stored with other values or not `alike`."""
        if not len(stored):
            return np.ones(len(self), dtype=np.bool_), np.zeros(len(self), dtype=np.bool_)
        keys, stored_keys = self.keys, stored.keys
        near = np.minimum(np.searchsorted(stored_keys, keys), len(stored_keys) - 1)
        is_stored = stored_keys[near] == keys
        is_same = alike[near]
        for name in COLUMNS:
            values, stored_values = getattr(self.bars, name), getattr(stored.bars, name)[near]
            is_same &= (values == stored_values) | ((values != values) & (stored_values != stored_values))
        return ~is_stored, is_stored & ~is_same
