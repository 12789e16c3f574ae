"""Forwards a Unix socket to the container engine's, until it is killed: an engine that goes away.

Called as `python socket_gate.py PATH`.
"""

import socket
import sys
import threading
from contextlib import suppress

ENGINE = "/var/run/docker.sock"


def main() -> None:
    door = socket.socket(socket.AF_UNIX)
    door.bind(sys.argv[1])
    door.listen(64)
    while True:
        inside, _ = door.accept()
        outside = socket.socket(socket.AF_UNIX)
        outside.connect(ENGINE)
        for source, target in ((inside, outside), (outside, inside)):
            threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
