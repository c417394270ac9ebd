"""A full disk and missing permission end in one line that names the remedy, and lose nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from vaeaug.errors import InputError, VaeaugError
from vaeaug.staging import Staging, plain_disk_errors, write_atomic


class FullDisk:
    """Lets `room` bytes be written through `Path.open`, then says what a full disk says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        plain_open = Path.open

        def limited_open(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            file = plain_open(path, mode, *args, **kwargs)
            if "w" not in mode:
                return file
            write = file.write

            def limited_write(data: Any) -> int:
                if len(data) > self.room:
                    write(data[: self.room])
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
                self.room -= len(data)
                return write(data)

            proxy = _Proxy(file)
            proxy.write = limited_write
            return proxy

        monkeypatch.setattr(Path, "open", limited_open)


class _Proxy:
    write: Any

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _Proxy:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def test_a_full_disk_leaves_no_half_file_and_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record"
    write_atomic(path, b"old")
    FullDisk(monkeypatch, room=2)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line_and_the_run_can_be_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> None:
        with monkeypatch.context() as patch, Staging(tmp_path / "out", {}, resume=False) as staging:
            write_atomic(staging.content / "first", b"1")
            FullDisk(patch, room=0)
            write_atomic(staging.content / "second", b"2")

    with pytest.raises(VaeaugError, match=r"disk is full.*free space and add --resume; nothing is lost") as caught:
        run()
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    with Staging(tmp_path / "out", {}, resume=True) as staging:
        assert [path.name for path in staging.content.iterdir()] == ["first"]


def test_a_disk_that_is_full_from_the_start_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FullDisk(monkeypatch, room=0)
    with pytest.raises(VaeaugError, match="disk is full"):
        Staging(tmp_path / "out", {}, resume=False)


def test_a_full_disk_is_recognised_in_the_errors_of_other_libraries() -> None:
    class SafetensorError(Exception):
        pass

    error = SafetensorError('Error while serializing: IoError(Os { code: 28, message: "No space left on device" })')
    with pytest.raises(VaeaugError, match="disk is full"), plain_disk_errors(Path("model")):
        raise error


def test_missing_permission_is_bad_input_at_the_start_and_resumable_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Staging(tmp_path / "out", {}, resume=False) as staging:
        (staging.content / "first").touch()
    with (
        pytest.raises(VaeaugError, match=r"no permission for .*first"),
        Staging(tmp_path / "out", {}, resume=True) as staging,
    ):
        raise PermissionError(errno.EACCES, "Permission denied", str(staging.content / "first"))

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match=r"cannot write .*other: Permission denied"):
        Staging(tmp_path / "other", {}, resume=False)
