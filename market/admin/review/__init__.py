"""Data to review: what waits for a person, one item's page, and the record of what was decided."""

from market.admin.review import candle_list, items, record

__all__ = ["candle_list", "items", "record"]
