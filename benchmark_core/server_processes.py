"""The processes of a server on this machine, and the GPUs on which they compute.

A served model lies wherever its server put it. The processes that listen where the run asks are
found through /proc, with all that they have started; the driver lists who computes on each GPU.
What belongs to other users, or to another container, cannot be seen; that is no error here.
"""

import ipaddress
import os
import socket
import sys
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from benchmark_core.contract import Launch, RunSpec, server_endpoint
from benchmark_core.meter_facts import DRIVER_METERS
from benchmark_core.meters import nvml_devices
from benchmark_core.recipe import LoadedModel
from benchmark_core.serving.address import parse_address

PROCESSES = Path("/proc")
LISTENING = "0A"
"""The kernel's number for a socket that waits for connections."""
LOOPBACK = ipaddress.IPv4Address("127.0.0.1")
EVERY_IPV4, EVERY_IPV6 = ipaddress.IPv4Address(0), ipaddress.IPv6Address(0)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def with_own_gpus(
    loaded: LoadedModel, spec: RunSpec, launch: Launch, meters: Collection[str]
) -> LoadedModel:
    """A served model with the GPUs of its server, where the meter watches this machine's.

    Without any where the server, or its part in the GPUs, cannot be seen. Raises MeterFault.
    """
    if loaded.server is None or not set(meters) & set(DRIVER_METERS):
        return loaded
    address = parse_address(server_endpoint(spec, launch))
    started = launch.server_process
    pids = _with_descendants({started} if started else listeners(address.host, address.port))
    if os.getpid() in pids:
        # Whoever started this run as well has more children than a server's.
        pids = set()
    own = {uuid: count for uuid, found in computing().items() if (count := len(found & pids))}
    if not own:
        print("the server's processes cannot be told on the GPUs of this machine", flush=True)
    return replace(loaded, gpu_uuids=tuple(own), server_processes=own)


def computing() -> dict[str, set[int]]:
    """The processes that hold memory for computing on each GPU of this machine, by its UUID.

    Raises:
        MeterFault: the driver does not answer.
    """
    import pynvml

    nvml_devices.load_driver()
    try:
        with nvml_devices.driver_faults("the processes on the GPUs cannot be listed"):
            handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
            return {
                pynvml.nvmlDeviceGetUUID(handle): {
                    process.pid for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
                }
                for handle in handles
            }
    finally:
        nvml_devices.release_driver()


def listeners(host: str, port: int, processes: Path = PROCESSES) -> set[int]:
    """The processes that take connections to `host`, a name of this machine, as far as they can
    be seen; of several addresses of the name, those at the first where anybody listens."""
    sockets = dict(_listening(port, processes))
    for wanted in _addresses(host, port):
        anywhere = (EVERY_IPV4, EVERY_IPV6) if wanted.version == 4 else (EVERY_IPV6,)
        for address in (wanted, *anywhere):
            inodes = {inode for inode, own in sockets.items() if own == address}
            if inodes:
                return _holders(inodes, processes)
    return set()


def _addresses(host: str, port: int) -> list[Address]:
    """In the order in which a client tries them."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    addresses = [ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found]
    # Asking for any address of this machine reaches its own.
    return [LOOPBACK if address == EVERY_IPV4 else address for address in addresses]


def _listening(port: int, processes: Path) -> Iterator[tuple[str, Address]]:
    """Inode and address of every socket that listens at the port."""
    for name in ("tcp", "tcp6"):
        try:
            lines = (processes / "self" / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            address, _, own_port = fields[1].partition(":")
            if fields[3] == LISTENING and int(own_port, 16) == port:
                yield fields[9], _decoded(address)


def _decoded(text: str) -> Address:
    """The kernel writes an address in words of four bytes, each in the machine's own order."""
    raw = bytes.fromhex(text)
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    address = ipaddress.ip_address(raw)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _holders(inodes: set[str], processes: Path) -> set[int]:
    """The processes that have one of these sockets open; those of other users cannot be seen."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    return {pid for pid in _pids(processes) if not wanted.isdisjoint(_open_files(processes, pid))}


def _pids(processes: Path) -> list[int]:
    try:
        return [int(entry.name) for entry in processes.iterdir() if entry.name.isdigit()]
    except OSError:
        return []


def _open_files(processes: Path, pid: int) -> Iterator[str]:
    folder = processes / str(pid) / "fd"
    try:
        for entry in folder.iterdir():
            yield str(entry.readlink())
    except OSError:
        return


def _with_descendants(pids: set[int], processes: Path = PROCESSES) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid in _pids(processes):
        try:
            stat = (processes / str(pid) / "stat").read_text(errors="replace")
        except OSError:
            continue
        # The second field is the command in parentheses, which may hold blanks and parentheses.
        children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(pid)
    found: set[int] = set()
    left = list(pids)
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += children.get(pid, [])
    return found
