from tests.loopback import alpaca, bridge, polygon

__all__ = ["alpaca", "bridge", "polygon"]
