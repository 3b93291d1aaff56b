"""The first code of a sandboxed process: it limits itself, then runs the program from its input.

It runs as a script with two numbers: seconds of processor time, and megabytes of memory.
"""

import os
import resource
import signal
import sys

REFUSED = 90
"""Exit status after a refused action; the errors then end with its name."""
TOO_LARGE = 91
"""Exit status of a program that needs more memory than it may have."""
TOO_SLOW = 92
"""Exit status of a program that has used its processor time."""
FILES = 32
"""Open files of a process."""
PROCESSES = 16
"""Processes and threads of the user; Linux does not count those of root."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
LISTS = ("os.listdir", "os.scandir")
"""Events that read a folder; an import reads the folders of Python's library."""
EVENTS = (
    "ctypes.",
    "fcntl.",
    "gc.",
    "mmap.",
    "os.chdir",
    "os.chflags",
    "os.chmod",
    "os.chown",
    "os.exec",
    "os.fork",
    "os.getxattr",
    "os.kill",
    "os.link",
    "os.listxattr",
    "os.lockf",
    "os.mkdir",
    "os.posix_spawn",
    "os.putenv",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.setxattr",
    "os.spawn",
    "os.symlink",
    "os.system",
    "os.truncate",
    "os.unsetenv",
    "os.utime",
    "pty.",
    "resource.",
    "shutil.",
    "signal.",
    "socket.",
    "sqlite3.",
    "subprocess.",
    "sys._current_frames",
    "sys.setprofile",
    "sys.settrace",
    "syslog.",
    "tempfile.",
    "webbrowser.",
)
"""Begins of the names of audit events that end a program."""
NATIVE = frozenset(
    "_ctypes _multiprocessing _posixshmem _posixsubprocess _socket _sqlite3 _ssl ctypes fcntl mmap "
    "multiprocessing resource socket ssl subprocess".split()
)
"""Modules that reach the system, some without an audit event."""


def limit(seconds: int, megabytes: int) -> None:
    """Set the limits of this process; the processes that it starts have them too."""
    size = megabytes * 1024 * 1024
    for kind, most in (
        (resource.RLIMIT_AS, size),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_NPROC, PROCESSES),
    ):
        resource.setrlimit(kind, (most, most))
    # The first limit ends the program by its own signal, the second one by force.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(TOO_SLOW))


def watch() -> None:
    """End the process at the first event that a program may not cause."""
    end, tell = os._exit, os.write
    library = tuple(os.path.realpath(one) for one in sys.path)

    def is_library(path: object) -> bool:
        text = path.decode() if isinstance(path, bytes) else path
        return isinstance(text, str) and text.startswith(library) and ".." not in text.split("/")

    def refused(event: str, args: tuple[object, ...]) -> str:
        if event == "open":
            path, mode, flags = args
            if isinstance(flags, int) and flags & WRITES:
                return f"writes to {path!r}"
            if isinstance(mode, str) and set(mode) & set("wax+"):
                return f"writes to {path!r}"
            return "" if is_library(path) else f"reads {path!r}"
        if event in LISTS:
            return "" if is_library(args[0]) else f"reads folder {args[0]!r}"
        if event == "import":
            return f"imports {args[0]}" if args[0] in NATIVE else ""
        return event if event.startswith(EVENTS) else ""

    def hook(event: str, args: tuple[object, ...]) -> None:
        if says := refused(event, args):
            tell(2, f"\n{says}".encode(errors="replace"))
            end(REFUSED)

    sys.addaudithook(hook)


def main() -> None:
    """Run the program that the input holds."""
    code = sys.stdin.buffer.read()
    seconds, megabytes = (int(one) for one in sys.argv[1:3])
    sys.argv[:] = ["program.py"]
    sys.path_importer_cache.clear()
    limit(seconds, megabytes)
    try:
        program = compile(code, "program.py", "exec")
        for name in NATIVE:
            sys.modules.pop(name, None)
        watch()
        exec(program, {"__name__": "__main__", "__builtins__": __builtins__})
        sys.stdout.flush()
    except MemoryError:
        os._exit(TOO_LARGE)
    except Exception as exc:
        # A traceback would read files to quote them.
        os.write(2, f"{type(exc).__name__}: {exc}".encode(errors="replace"))
        os._exit(1)


if __name__ == "__main__":
    main()
