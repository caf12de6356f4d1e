"""The scan: closed bars that are new are run through every strategy; ideas become signals."""

from signals.scan.cycle import request, run, sweep

__all__ = ["request", "run", "sweep"]
