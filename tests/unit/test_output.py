"""An existing output directory is filled and stays the same directory: the one a shell is in, or a mount point."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_faults import closed, interrupt, on_disk, on_small_disk

from vaeaug import output
from vaeaug.errors import InputError
from vaeaug.staging import Staging, staged

REQUEST = {"seed": 0}


def build(final: Path, *, resume: bool = False) -> None:
    """Publish a directory with one entry of each kind."""
    with Staging(final, REQUEST, resume=resume) as staging:
        if staging.finished is not None:
            return
        (staging.content / "train" / "a").mkdir(parents=True, exist_ok=True)
        for name in ("train/a/0.png", "README.md", "vaeaug.json", ".hidden"):
            (staging.content / name).write_text(json.dumps({"name": name}))
        staging.publish()


def names(directory: Path) -> list[str]:
    """Return the paths of all files below a directory."""
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


ALL = [".hidden", "README.md", "train/a/0.png", "vaeaug.json"]


def test_the_working_directory_stays_the_same_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir(mode=0o750)
    before = here.stat()
    monkeypatch.chdir(here)
    for final in (Path(), here):
        build(final)
        assert names(Path()) == ALL  # in a deleted directory nothing is listed
        assert (here.stat().st_ino, here.stat().st_mode) == (before.st_ino, before.st_mode)
        assert list(tmp_path.iterdir()) == [here]
        for path in sorted(here.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


def test_a_link_to_an_empty_directory_stays_a_link_and_its_target_is_filled(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    build(tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert names(tmp_path / "disk") == ALL


def test_a_link_to_another_file_system_is_followed(tmp_path: Path) -> None:
    shm = Path("/dev/shm")  # noqa: S108
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    with tempfile.TemporaryDirectory(dir=shm) as target:
        (tmp_path / "out").symlink_to(target)
        build(tmp_path / "out")
        assert names(Path(target)) == ALL


def _work_is_inside(final: Path) -> None:
    with Staging(final, REQUEST, resume=False) as staging:
        assert staging.partial == final / output.INSIDE
        (staging.content / "half").touch()
    with Staging(final, REQUEST, resume=True) as staging:
        assert staging.resumed
        assert (staging.content / "half").exists()
        staging.publish()
    assert (final / "half").exists()
    assert not (final / output.INSIDE).exists()


def test_work_is_inside_a_mount_point(tmp_path: Path) -> None:
    def work(disk: Path) -> None:
        (disk / "lost+found").mkdir()
        _work_is_inside(disk)

    on_small_disk(tmp_path, work)


def test_work_is_inside_where_the_parent_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "parent/out").mkdir(parents=True)
    with closed(tmp_path / "parent", 0o555):
        _work_is_inside(tmp_path / "parent/out")


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@settings(max_examples=20, deadline=None)
@given(moves=st.integers(0, 5), resume=st.booleans())
def test_a_run_killed_between_two_moves_is_completed_by_the_next(moves: int, resume: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        final = Path(directory) / "out"
        final.mkdir()
        child = os.fork()
        if child == 0:
            with on_disk("rename", f"{final}/*", lambda seen: len(seen) > moves and os._exit(9)):
                build(final)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code == (9 if moves < 4 else 0)
        if code:
            assert (final / "vaeaug.json").exists() is False  # what says that all is there comes last
            if resume:
                build(final, resume=True)
            else:
                with pytest.raises(InputError, match="is complete"):
                    build(final)
        assert names(final) == ALL
        assert list(Path(directory).iterdir()) == [final]


@settings(max_examples=10, deadline=None)
@given(moves=st.integers(0, 3))
def test_a_failed_move_is_taken_back_and_can_be_resumed(moves: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        final = Path(directory) / "out"
        final.mkdir()
        with on_disk("rename", f"{final}/*", interrupt(after=moves)), pytest.raises(KeyboardInterrupt):
            build(final)
        assert names(final) == []
        build(final, resume=True)
        assert names(final) == ALL


def test_a_file_put_there_meanwhile_is_never_replaced(tmp_path: Path) -> None:
    final = tmp_path / "out"
    final.mkdir()

    def put(seen: list[Path]) -> None:
        if len(seen) == 1:
            (final / "vaeaug.json").write_text("theirs")

    with on_disk("rename", f"{final}/*", put), pytest.raises(InputError, match="another process wrote into"):
        build(final)
    assert names(final) == ["vaeaug.json"]
    assert (final / "vaeaug.json").read_text() == "theirs"
    assert names(tmp_path / ".out.partial" / "content") == ALL


def fail(final: Path) -> None:
    """Begin short work and fail."""
    with staged(final) as content:
        (content / "a").touch()
        raise ValueError("bug")


def test_short_work_leaves_nothing_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    for final in (tmp_path / "here", tmp_path / "new"):
        with pytest.raises(ValueError, match="bug"):
            fail(final)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]
    assert not any((tmp_path / "here").iterdir())
