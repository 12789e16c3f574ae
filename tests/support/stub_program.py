"""Stands in for the measured run: does what `stub.json` in the run folder says, step by step.

Called as `python stub_program.py run FOLDER`, like `python -m benchmark_core run FOLDER`. It does
what the first folder says where there are several. Runs on the standard library alone, because it
is also the entry point of a bare image.
"""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def main() -> int:
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    folder = Path(sys.argv[2])
    steps: dict[str, Any] = json.loads((folder / "stub.json").read_text())
    if steps.get("ignore_term"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "look_at" in steps:
        (folder / "seen.json").write_text(json.dumps(_describe(steps["look_at"])))
    if "child_seconds" in steps:
        child = subprocess.Popen(["sleep", str(steps["child_seconds"])])
        (folder / "child.pid").write_text(str(child.pid))
    for line in steps.get("lines", []):
        print(line, flush=True)
    if "error_line" in steps:
        print(steps["error_line"], file=sys.stderr, flush=True)
    for number in range(steps.get("flood_lines", 0)):
        print(f"line {number:09d} {'x' * 180}")
    sys.stdout.flush()
    (folder / "started").touch()
    if "allocate_mib" in steps:
        block = bytearray(steps["allocate_mib"] * 1024 * 1024)
        block[:: os.sysconf("SC_PAGE_SIZE")] = b"x" * len(block[:: os.sysconf("SC_PAGE_SIZE")])
    if "kill_self_with" in steps:
        os.kill(os.getpid(), steps["kill_self_with"])
    deadline = time.monotonic() + steps.get("sleep_seconds", 0)
    while time.monotonic() < deadline and not (folder / "go_on").exists():
        time.sleep(0.02)
    if "last_line" in steps:
        print(steps["last_line"], flush=True)
    return int(steps.get("exit", 0))


def _describe(paths: list[str]) -> dict[str, Any]:
    status = dict(
        line.split(":\t", 1)
        for line in Path("/proc/self/status").read_text().splitlines()
        if ":\t" in line
    )
    return {
        "argv": sys.argv,
        "environment": dict(os.environ),
        "working_directory": str(Path.cwd()),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "session": os.getsid(0),
        "pid": os.getpid(),
        "capabilities": {name: status[name] for name in ("CapEff", "CapPrm", "CapBnd")},
        "no_new_privileges": status["NoNewPrivs"],
        "interfaces": sorted(path.name for path in Path("/sys/class/net").iterdir()),
        "shm_bytes": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
        "files": {path: _read(Path(path)) for path in paths},
        "root_is_read_only": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
    }


def _read(path: Path) -> str | None:
    try:
        if path.is_dir():
            probe = path / ".probe"
            probe.write_text("x")
            probe.unlink()
            return "writable folder"
        return path.read_text()
    except OSError as error:
        return f"{type(error).__name__}"


if __name__ == "__main__":
    raise SystemExit(main())
