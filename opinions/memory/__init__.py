"""Cases of the past: kept in a table of our own, and in Hindsight where that is set up."""

from opinions.memory.cases import Question, alike, any_of, memory_of, recall, retain
from opinions.memory.hindsight import HindsightAway
from opinions.memory.outside import hand_on, recall_elsewhere

__all__ = [
    "HindsightAway",
    "Question",
    "alike",
    "any_of",
    "hand_on",
    "memory_of",
    "recall",
    "recall_elsewhere",
    "retain",
]
