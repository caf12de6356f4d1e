"""What all facts about shares have in common: whose word stands, and what a correction replaces."""

from market.ingestion.facts.ledger import FILE, LONGEST_WHY, PERSON, FactRefused, Ledger

__all__ = ["FILE", "LONGEST_WHY", "PERSON", "FactRefused", "Ledger"]
