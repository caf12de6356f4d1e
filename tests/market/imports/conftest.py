"""Providers on loopback."""

from tests.loopback import alpaca, bridge, polygon

__all__ = ["alpaca", "bridge", "polygon"]
