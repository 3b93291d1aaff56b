"""Put on a child's path: no socket leaves this machine, and every attempt is noted in the file that
FENCE_LOG names.
"""

import ipaddress
import os
import socket
import traceback

_connect, _connect_ex, _sendto, _resolve = (
    socket.socket.connect,
    socket.socket.connect_ex,
    socket.socket.sendto,
    socket.getaddrinfo,
)


def _stays(family: int, address: object) -> bool:
    if family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _refuse(address: object) -> None:
    with open(os.environ["FENCE_LOG"], "a") as log:  # noqa: PTH123
        asker = " < ".join(
            f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_stack()[-3:-8:-1]
        )
        log.write(f"{address} {asker}\n")
    raise OSError(101, "Network is unreachable")


def _guarded_connect(self: socket.socket, address: object) -> None:
    if not _stays(self.family, address):
        _refuse(address)
    _connect(self, address)  # type: ignore[arg-type]


def _guarded_connect_ex(self: socket.socket, address: object) -> int:
    if not _stays(self.family, address):
        _refuse(address)
    return _connect_ex(self, address)  # type: ignore[arg-type]


def _guarded_getaddrinfo(host: object, *args: object, **kwargs: object) -> object:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in (None, "", "localhost", socket.gethostname()) and not _stays(
        socket.AF_INET, (name,)
    ):
        _refuse((name,))
    return _resolve(host, *args, **kwargs)  # type: ignore[arg-type]


socket.socket.connect = _guarded_connect  # type: ignore[method-assign, assignment]
socket.socket.connect_ex = _guarded_connect_ex  # type: ignore[method-assign, assignment]
socket.getaddrinfo = _guarded_getaddrinfo  # type: ignore[assignment]
