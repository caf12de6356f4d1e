"""Whether an analyst's text holds: every number in it is looked up in the snapshot it was given. Pure.

A claim is a number in digits, a date or a time; small counts in words ("three of five") are not, nor are
list markers, ordinals, names with digits of their own (S&P 500, Q3, a version, an address). A number is
grounded when a value of its unit rounds to it, by absolute value. Given to a name that analysts use ("RSI of
71.2"), it must be one of that name's values; given to a name that the snapshot does not hold, it is invented.
Besides, an answer may contradict itself.
"""

from opinions.grounding.check import Claim, Grounding, check, contradictions, parts

__all__ = ["Claim", "Grounding", "check", "contradictions", "parts"]
