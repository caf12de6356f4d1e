"""The examples of docs/extending pass their kits as they are written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jaxsite.processes import ROOT


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("kind", ["analyst", "broker"])
def test_the_example_passes_the_kit(tmp_path: Path, kind: str) -> None:
    page = (ROOT / "docs" / "extending" / f"{kind}.md").read_text()
    (tmp_path / f"my_{kind}.py").write_text("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", f"tests/conformance/{kind}", f"--{kind}", f"my_{kind}:SPEC"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "[100%]" in run.stdout
