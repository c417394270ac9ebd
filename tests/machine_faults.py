"""What goes wrong on a user's machine, made to happen: a full disk, little memory, a missing permission, Ctrl-C.

It happens where Python meets the operating system, so that no test depends on the internals of vaeaug.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fnmatch
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from child_process import Child

_EVENTS = {"os.rename": ("rename", 1), "os.link": ("link", 1), "os.mkdir": ("mkdir", 0), "os.scandir": ("list", 0)}
"""Audit event -> what it is called here, and which of its values is the path."""

_listeners: list[Callable[[str, Path], None]] = []
_hooks: list[Callable[[str, tuple[Any, ...]], None]] = []
_opened = threading.local()

_NO_PLACE = 77
_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000
_CAPABILITIES = 0x20080522  # version 3 of the header of capget(2)
_GET_SECUREBITS, _SET_SECUREBITS, _NO_FIXUP = 27, 28, 1 << 2


@contextlib.contextmanager
def on_disk(kind: str, pattern: str, act: Callable[[list[Path]], None] = lambda _: None) -> Iterator[list[Path]]:
    """Watch one kind of access to files in this process; yield the list of the paths, which grows.

    Args:
        kind: `read` or `write` (a file is opened), `rename` (to the path), `link`, `mkdir` or `list`.
        pattern: of the paths, as fnmatch takes it.
        act: called with the list just before the access; what it raises comes out of the access instead.
    """
    seen: list[Path] = []

    def listen(event: str, path: Path) -> None:
        if event == kind and fnmatch.fnmatch(str(path), pattern):
            seen.append(path)
            act(seen)

    if not _hooks:  # Python has no way to remove one
        _hooks.append(_hook)
        sys.addaudithook(_hook)
    _listeners.append(listen)
    try:
        yield seen
    finally:
        _listeners.remove(listen)


def interrupt(after: int = 0) -> Callable[[list[Path]], None]:
    """Press Ctrl-C at the access after so many."""

    def act(seen: list[Path]) -> None:
        if len(seen) > after:
            raise KeyboardInterrupt

    return act


def no_space(seen: list[Path]) -> NoReturn:
    """Refuse the access as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(seen[-1]))


def _hook(event: str, values: tuple[Any, ...]) -> None:
    if not _listeners:
        return
    if event == "open":
        path, mode, flags = values
        kind = "write" if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) else "read"
    elif event in _EVENTS:
        kind, place = _EVENTS[event]
        path, mode = values[place], None
    else:
        return
    if not isinstance(path, (str, bytes, os.PathLike)):
        return  # a file descriptor
    path = Path(os.fsdecode(path))
    before, _opened.path = getattr(_opened, "path", None), path if mode is not None else None
    if event == "open" and mode is None and before == path:
        return  # `open` with an opener reports itself, and then the `os.open` in it
    for listen in tuple(_listeners):
        listen(kind, path)


def on_small_disk(tmp_path: Path, work: Callable[[Path], None], *, kib: int = 64) -> None:
    """Call a function in a forked child with the directory of a file system that has so little space.

    The test is skipped where a process may not mount one for itself (Linux can forbid it).
    """
    disk, errors = tmp_path / "disk", tmp_path / "errors"
    disk.mkdir()

    def child() -> int:
        if not _mount(disk, kib):
            return _NO_PLACE
        work(disk)
        return 0

    if sys.platform != "linux":
        pytest.skip("mounts a small disk")
    code = Child(child, errors).wait()
    if code == _NO_PLACE:
        pytest.skip("this machine does not let a process mount a disk of its own")
    assert code == 0, errors.read_text()


def fill(disk: Path, leaving: int = 0) -> None:
    """Fill the disk that a directory is on, but for some bytes (in whole pages)."""
    with (disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    os.truncate(disk / "filler", (disk / "filler").stat().st_size - leaving)


def _mount(place: Path, kib: int) -> bool:
    """Enter namespaces in which this process may mount, as `unshare --user --map-root-user --mount` does."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_USER | _NEW_MOUNTS) != 0:
        return False
    try:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path("/proc/self", name).write_text(text)
    except OSError:
        return False
    return bool(libc.mount(b"none", os.fsencode(place), b"tmpfs", 0, f"size={kib}k".encode()) == 0)


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """Leave this process 32 MiB more memory than it has taken."""
    if sys.platform != "linux":
        pytest.skip("limits memory")
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**25, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextlib.contextmanager
def closed(path: Path, mode: int) -> Iterator[None]:
    """Give a file or directory another mode, which binds this thread and those it starts even if they are root's."""
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        with _unprivileged():
            yield
    finally:
        path.chmod(before)


@contextlib.contextmanager
def _unprivileged() -> Iterator[None]:
    """Put the capabilities of this thread aside."""
    if sys.platform != "linux":
        if os.geteuid() == 0:
            pytest.skip("root may do everything here")
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    before = libc.prctl(_GET_SECUREBITS, 0, 0, 0, 0)
    libc.prctl(_SET_SECUREBITS, before | _NO_FIXUP, 0, 0, 0)  # otherwise access(2) asks what root could do
    header, sets = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    none = (ctypes.c_uint32 * 6)(*sets)
    none[0] = none[3] = 0  # effective, of the lower and upper 32
    assert libc.capset(header, none) == 0
    try:
        yield
    finally:
        assert libc.capset(header, sets) == 0
        libc.prctl(_SET_SECUREBITS, before, 0, 0, 0)
