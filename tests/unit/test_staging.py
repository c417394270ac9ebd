"""A staged directory is there in full or not at all, and one process builds it at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.errors import DivergedError, InputError, VaeaugError
from vaeaug.staging import Staging, check_no_overlap, write_atomic

REQUEST = {"seed": 0, "per_class": 500, "size": (28, 28)}


def test_nothing_stands_at_the_final_place_before_publish_and_no_trace_is_left_after(tmp_path: Path) -> None:
    with Staging(tmp_path / "out", REQUEST, resume=False) as staging:
        (staging.content / "a.txt").write_text("a")
        (staging.scratch / "checkpoint").write_text("x")
        assert not (tmp_path / "out").exists()
        staging.publish()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.txt"]


def test_the_final_place_may_be_an_empty_directory_and_missing_parents_are_made(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for final in (tmp_path / "empty", tmp_path / "new" / "deep" / "out"):
        with Staging(final, REQUEST, resume=False) as staging:
            (staging.content / "a").touch()
            assert staging.publish() == final
        assert (final / "a").exists()


def test_a_taken_final_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name, words in (("full", "not empty"), ("file", "is a file"), ("file/below", "Not a directory")):
        with pytest.raises(InputError, match=words):
            Staging(tmp_path / name, REQUEST, resume=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]
    with pytest.raises(InputError, match="cannot be an output"):
        Staging(Path("/"), REQUEST, resume=False)


def test_a_place_filled_during_the_work_is_not_overwritten(tmp_path: Path) -> None:
    with Staging(tmp_path / "out", REQUEST, resume=False) as staging:
        (staging.content / "a").write_text("ours")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "a").write_text("theirs")
        with pytest.raises(InputError, match=r"another process wrote into .*--resume"):
            staging.publish()
        assert (staging.content / "a").read_text() == "ours"
    assert (tmp_path / "out" / "a").read_text() == "theirs"


def test_what_was_built_is_kept_when_the_final_place_was_filled(tmp_path: Path) -> None:
    def run() -> None:
        with Staging(tmp_path / "out", REQUEST, resume=tmp_path.joinpath(".out.partial").exists()) as staging:
            (staging.content / "a").write_text("ours")
            if not staging.resumed:
                (tmp_path / "out").mkdir()
                (tmp_path / "out" / "theirs").touch()
            staging.publish()

    with pytest.raises(InputError, match="another process wrote into"):
        run()
    (tmp_path / "out" / "theirs").unlink()
    run()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


def test_an_unfinished_run_is_only_gone_on_with_when_asked(tmp_path: Path) -> None:
    def interrupted_run() -> None:
        with Staging(tmp_path / "out", REQUEST, resume=False) as staging:
            (staging.content / "half").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_run()
    with pytest.raises(InputError, match=r"--resume.*remove .*\.out\.partial"):
        Staging(tmp_path / "out", REQUEST, resume=False)
    # A tuple and a list are the same JSON value.
    with Staging(tmp_path / "out", {**REQUEST, "size": [28, 28]}, resume=True) as staging:
        assert staging.resumed
        assert (staging.content / "half").read_text() == "half"


def test_resume_with_another_request_names_the_option_and_both_values(tmp_path: Path) -> None:
    with Staging(tmp_path / "out", REQUEST, resume=False) as staging:
        (staging.content / "half").touch()
    with pytest.raises(InputError, match="per_class = 500, this one 100"):
        Staging(tmp_path / "out", {**REQUEST, "per_class": 100}, resume=True)
    with pytest.raises(InputError, match="zeta = nothing, this one 1"):
        Staging(tmp_path / "out", {**REQUEST, "zeta": 1}, resume=True)
    assert (tmp_path / ".out.partial" / "content" / "half").exists()


def test_resume_with_nothing_to_resume_starts_afresh(tmp_path: Path) -> None:
    with Staging(tmp_path / "out", REQUEST, resume=True) as staging:
        assert not staging.resumed


def test_a_run_that_failed_before_it_built_anything_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bad data"), Staging(tmp_path / "out", REQUEST, resume=False):
        raise InputError("bad data")
    assert list(tmp_path.iterdir()) == []


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    with Staging(tmp_path / "out", REQUEST, resume=False) as staging:
        (staging.content / "half").touch()
        staging.discard()
    assert list(tmp_path.iterdir()) == []


def test_remains_without_a_request_are_not_resumed(tmp_path: Path) -> None:
    leftover = tmp_path / ".out.partial" / "content"
    leftover.mkdir(parents=True)
    (leftover / "stale").touch()
    with Staging(tmp_path / "out", REQUEST, resume=True) as staging:
        assert not staging.resumed
        assert list(staging.content.iterdir()) == []


def test_a_damaged_request_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "request.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        Staging(tmp_path / "out", REQUEST, resume=True)


def test_two_never_work_in_it_at_once_and_the_first_may_finish(tmp_path: Path) -> None:
    with Staging(tmp_path / "out", REQUEST, resume=False) as staging:
        with pytest.raises(InputError, match="another process"):
            Staging(tmp_path / "out", REQUEST, resume=True)
        (staging.content / "a").touch()
        staging.publish()
    assert (tmp_path / "out" / "a").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_the_lock_dies_with_its_process_even_when_a_forked_worker_lives_on(tmp_path: Path) -> None:
    program = f"""
import os, sys, time
from pathlib import Path
from vaeaug.staging import Staging
staging = Staging(Path({str(tmp_path / "out")!r}), {REQUEST!r}, resume=False)
(staging.content / "half").touch()
if os.fork() == 0:
    print(os.getpid(), flush=True)
    time.sleep(60)
    os._exit(0)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        try:
            with pytest.raises(InputError, match="another process"):
                Staging(tmp_path / "out", REQUEST, resume=True)
            process.kill()
            process.wait()
            with Staging(tmp_path / "out", REQUEST, resume=True) as staging:
                assert staging.resumed
        finally:
            os.kill(worker, signal.SIGKILL)


def test_output_and_input_may_not_overlap(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "link").symlink_to(data)
    for out, words in (
        (data, " is the input"),
        (data / "new" / "out", "is inside"),
        (tmp_path, "contains"),
        (tmp_path / "link" / "out", "is inside"),
        (data / ".." / "data" / "out", "is inside"),
    ):
        with pytest.raises(InputError, match=words):
            check_no_overlap(data, out)
    check_no_overlap(data, tmp_path / "data-extended")
    check_no_overlap(data, tmp_path / "link2")


def test_an_atomic_write_replaces_in_one_step_and_takes_the_longest_names(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_atomic(path, b"one")
    write_atomic(path, b"two", durable=False)
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_other_errors_pass_through_unchanged(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bug"), Staging(tmp_path / "out", REQUEST, resume=False):
        raise ValueError("bug")
    with pytest.raises(VaeaugError, match="said"), Staging(tmp_path / "out", REQUEST, resume=False):
        raise VaeaugError("said")


def test_a_run_killed_between_publishing_and_tidying_up_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "out"
    staging = Staging(out, {"seed": 0}, resume=False)
    (staging.content / "image").write_text("x")
    staging.content.replace(out)  # publish, and then the power goes
    staging.close()
    with pytest.raises(InputError, match="is complete"):
        Staging(out, {"seed": 0}, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "image").read_text() == "x"


def finish(out: Path, request: dict[str, object]) -> None:
    with Staging(out, request, resume=False) as staging:
        (staging.content / "vaeaug.json").write_text(json.dumps({"command": "x", "scale": 1.5}))
        staging.check_unchanged(dataset="abc")
        staging.publish()


def test_a_finished_run_is_recognized_by_what_it_was_asked_for(tmp_path: Path) -> None:
    request = {"seed": 0, "data": str(tmp_path / "data"), "weights": str(tmp_path / "w.pt"), "options": {"a": [1, 2]}}
    finish(tmp_path / "out", request)
    text = (tmp_path / "out/vaeaug.json").read_text()
    assert str(tmp_path) not in text
    elsewhere = {**request, "data": str(tmp_path / "moved")}
    with Staging(tmp_path / "out", elsewhere, resume=True) as staging:
        assert staging.finished is not None
        assert {**staging.finished, "resume": 0} == {"command": "x", "scale": 1.5, "resume": 0}
        staging.check_unchanged(dataset="abc")
        with pytest.raises(InputError, match=r"contains a finished run, and the dataset has changed since"):
            staging.check_unchanged(dataset="abd")
    assert (tmp_path / "out/vaeaug.json").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@given(
    before=st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, 0, 1, "x", False, [], {"y": 1}])),
    now=st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, 0, 1, "x", False, [], {"y": 1}])),
)
def test_another_request_is_another_run(before: dict[str, object], now: dict[str, object]) -> None:
    """What is off and what is not given are the same; 0 is a value."""

    def asked(request: dict[str, object]) -> dict[str, object]:
        off = {name for name, value in request.items() if value is None or value is False or value == []}
        return {name: value for name, value in request.items() if name not in off}

    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "out"
        finish(out, before)
        if asked(before) == asked(now):
            with Staging(out, now, resume=True) as staging:
                assert staging.finished is not None
        else:
            with pytest.raises(InputError, match=r"contains a finished run with [abc] = "):
                Staging(out, now, resume=True)
        with pytest.raises(InputError, match="is not empty"):
            Staging(out, now, resume=False)


def test_what_a_diverged_training_left_is_removed_and_other_failures_keep_theirs(tmp_path: Path) -> None:
    def fail(error: VaeaugError) -> None:
        with Staging(tmp_path / "out", {"seed": 0}, resume=False) as staging:
            (staging.scratch / "checkpoint").write_text("x")
            raise error

    for error, left in ((DivergedError("nan"), []), (VaeaugError("disk full"), [".out.partial"])):
        with pytest.raises(type(error)):
            fail(error)
        assert [path.name for path in tmp_path.iterdir()] == left
