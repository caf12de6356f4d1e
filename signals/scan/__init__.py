"""The scan: every strategy evaluates the closed bars that are new; ideas become signals."""

from signals.scan.cycle import request, run, sweep

__all__ = ["request", "run", "sweep"]
