"""The record of what happened, as a chain of hashes: who changes a row afterwards breaks it.

Each event's text is exactly what was hashed, together with the hash of the event before it. Events are
appended last in the transaction that they are about: the chain is locked from then until it commits.
"""

from approvals.audit.chain import START, append, hash_of
from approvals.audit.export import HEADINGS, between, sheet_row, witness
from approvals.audit.seals import seal
from approvals.audit.verification import Broken, Chain, reaches, verify

__all__ = [
    "HEADINGS",
    "START",
    "Broken",
    "Chain",
    "append",
    "between",
    "hash_of",
    "reaches",
    "seal",
    "sheet_row",
    "verify",
    "witness",
]
