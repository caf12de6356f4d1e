"""Sets the clock of a Python process that a test starts while JAX_TEST_CLOCK is set, when it starts."""

import os
import time

import time_machine

time_machine.travel(time.time() + float(os.environ["JAX_TEST_CLOCK_OFF_BY"]), tick=True).start()
