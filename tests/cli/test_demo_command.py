"""`vaeaug demo DIR`."""

import json
import shlex
import subprocess
import sys

from vaeaug.cli import main


def run(capsys, *arguments):
    """Return the exit code, stdout and stderr of a command."""
    try:
        main(["demo", *map(str, arguments)])
    except SystemExit as stop:
        captured = capsys.readouterr()
        return stop.code, captured.out, captured.err
    raise AssertionError("main always exits")


def test_it_says_what_it_wrote_and_what_to_do_next(tmp_path, capsys):
    code, out, err = run(capsys, tmp_path / "shop")
    assert (code, out) == (0, "")
    assert "Wrote 700 images (600 train and 100 test) of 10 classes" in err
    assert f"vaeaug augment {tmp_path}/shop {tmp_path}/shop-extended" in err
    assert len(list((tmp_path / "shop").rglob("*.png"))) == 700


def test_json_goes_to_stdout_and_nothing_else_does(tmp_path, capsys):
    code, out, err = run(capsys, tmp_path / "shop", "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["directory"] == str(tmp_path / "shop")
    assert told["images"] == {"train": 600, "test": 100}
    assert len(told["classes"]) == 10


def test_quiet_says_nothing(tmp_path, capsys):
    assert run(capsys, tmp_path / "shop", "--quiet") == (0, "", "")


def test_what_to_do_next_can_be_pasted_and_writes_beside(tmp_path, capsys, monkeypatch):
    here = tmp_path / "my shop"
    here.mkdir()
    monkeypatch.chdir(here)
    _, out, _ = run(capsys, ".", "--json")
    assert shlex.split(json.loads(out)["next"]) == ["vaeaug", "augment", ".", f"{here}-extended"]


def test_a_folder_that_is_not_empty_is_exit_code_2(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    code, out, err = run(capsys, tmp_path)
    assert (code, out) == (2, "")
    assert err == f"Error: {tmp_path} is not empty (it contains mine.txt); name a new or an empty directory\n"


def test_it_imports_no_torch(tmp_path):
    program = "import sys; from vaeaug.cli import main\ntry: main()\nfinally: assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program, "demo", str(tmp_path / "shop")], check=True)
