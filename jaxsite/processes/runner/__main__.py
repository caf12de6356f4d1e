"""Run services of the Procfile by name, as in `python -m jaxsite.processes.runner web`.

For where nothing else hears their signs of life: a container engine knows only whether a process ended.
"""

import sys
from pathlib import Path

from jaxsite.processes.runner.run import run

PROCFILE = Path(__file__).parents[3] / "Procfile"

if __name__ == "__main__":
    try:
        sys.exit(run(PROCFILE, sys.argv[1:]))
    except ValueError as error:
        sys.exit(str(error))
