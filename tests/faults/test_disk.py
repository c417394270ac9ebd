"""A full disk and missing permission end in one line that names the remedy, and lose nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine_faults import closed, fill, on_small_disk

from vaeaug.errors import InputError, VaeaugError
from vaeaug.staging import Staging, plain_disk_errors, write_atomic


def test_a_full_disk_leaves_no_half_file_and_the_old_content(tmp_path: Path) -> None:
    def work(disk: Path) -> None:
        path = disk / "record"
        write_atomic(path, b"old")
        fill(disk, leaving=4096)
        before = set(disk.iterdir())
        with pytest.raises(OSError, match="No space"):
            write_atomic(path, b"new" * 4096)
        assert path.read_bytes() == b"old"
        assert set(disk.iterdir()) == before

    on_small_disk(tmp_path, work)


def test_a_full_disk_is_one_line_and_the_run_can_be_resumed(tmp_path: Path) -> None:
    def work(disk: Path) -> None:
        def run() -> None:
            with Staging(disk / "out", {}, resume=False) as staging:
                write_atomic(staging.content / "first", b"1")
                fill(disk)
                write_atomic(staging.content / "second", b"2")

        with pytest.raises(VaeaugError, match=r"disk is full.*free space and add --resume; nothing is lost") as caught:
            run()
        assert caught.value.exit_code == 1
        assert "\n" not in str(caught.value)
        (disk / "filler").unlink()
        with Staging(disk / "out", {}, resume=True) as staging:
            assert [path.name for path in staging.content.iterdir()] == ["first"]

    on_small_disk(tmp_path, work)


def test_a_disk_that_is_full_from_the_start_is_said_plainly(tmp_path: Path) -> None:
    def work(disk: Path) -> None:
        fill(disk)
        with pytest.raises(VaeaugError, match="disk is full"):
            Staging(disk / "out", {}, resume=False)

    on_small_disk(tmp_path, work)


def test_a_full_disk_is_recognised_in_the_errors_of_other_libraries() -> None:
    class SafetensorError(Exception):
        pass

    error = SafetensorError('Error while serializing: IoError(Os { code: 28, message: "No space left on device" })')
    with pytest.raises(VaeaugError, match="disk is full"), plain_disk_errors(Path("model")):
        raise error


def test_missing_permission_is_bad_input_at_the_start_and_resumable_later(tmp_path: Path) -> None:
    with Staging(tmp_path / "out", {}, resume=False) as staging:
        (staging.content / "first").touch()

    def go_on() -> None:
        with Staging(tmp_path / "out", {}, resume=True) as staging, closed(staging.content, 0o555):
            (staging.content / "second").touch()

    with pytest.raises(VaeaugError, match=r"no permission for .*second; grant it and add --resume"):
        go_on()
    (tmp_path / "mine").mkdir()
    with closed(tmp_path / "mine", 0o555), pytest.raises(InputError, match=r"cannot write .*other: Permission denied"):
        Staging(tmp_path / "mine/other", {}, resume=False)
