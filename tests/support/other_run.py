"""A real process of this host that looks like the run of another sweep."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def filling(folder: Path, program_root: Path) -> Iterator[None]:
    """`python -m benchmark_core run FOLDER` of a package in `program_root` that only waits."""
    package = program_root / "benchmark_core"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import time\nprint('up', flush=True)\ntime.sleep(600)\n")
    with subprocess.Popen(
        [sys.executable, "-m", "benchmark_core", "run", str(folder)],
        env={**os.environ, "PYTHONPATH": str(program_root)},
        cwd=program_root,
        stdout=subprocess.PIPE,
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"up\n"
            yield
        finally:
            child.kill()
