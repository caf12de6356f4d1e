"""The analyst of docs/extending/analyst.md passes the kit as it is written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jaxsite.processes import ROOT

PAGE = (ROOT / "docs" / "extending" / "analyst.md").read_text()


@pytest.mark.slow
def test_the_example_passes_the_kit(tmp_path: Path) -> None:
    (tmp_path / "my_analyst.py").write_text("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)))
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    kit = ["tests/conformance/analyst", "--analyst", "my_analyst:SPEC"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *kit],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "[100%]" in run.stdout
