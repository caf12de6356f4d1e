"""Sets the clock of a Python process that a test starts while JAX_TEST_CLOCK is set, when it starts."""

import os
import time

import time_machine

_traveller = time_machine.travel(0, tick=True).start()


def _error() -> float:
    """Return by how many seconds the clock is late; a busy machine may pause between any two lines here."""
    return float(os.environ["JAX_TEST_CLOCK_OFF_BY"]) - (time.time() - time_machine.escape_hatch.time.time())


while (
    abs(_late := _error()) > 0.001
):  # the clocks of two processes must agree: rows of one are read by the other
    _traveller.shift(_late)
