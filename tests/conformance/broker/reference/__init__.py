"""The kit's own broker: an account in memory that can play every case, and one that lacks what can be lacked.

The kit is tried on them, so that a case that fails says something of the broker and not of the kit.
"""

from tests.conformance.broker.reference.broker import SPARSE, SPEC
from tests.conformance.broker.reference.counter import counterpart, sparse_counterpart

__all__ = ["SPARSE", "SPEC", "counterpart", "sparse_counterpart"]
