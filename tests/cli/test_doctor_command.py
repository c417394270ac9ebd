"""`vaeaug doctor`: what it reports, also where torch, a plugin or a directory is broken."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaeaug.workflows import doctor


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "from vaeaug.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "doctor", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_everything_is_found_in_one_screen() -> None:
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= 45
    assert not [line for line in lines if line.startswith("!")]
    assert any(line.split()[:3] == ["version", "torch", importlib.metadata.version("torch")] for line in lines)
    assert any("variants" in line and "samplers" in line for line in lines)
    assert any("PNG" in line and "16 bit" in line for line in lines)


def test_a_broken_plugin_is_named_and_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "quantum.py").write_text("import no_such_module_at_all")
    done = run("--json", "--plugins-dir", str(tmp_path))
    values = json.loads(done.stdout)
    assert done.returncode == 3
    assert values["works"] is True
    assert [problem["name"] for problem in values["problems"]] == ["quantum"]
    assert "no_such_module_at_all" in values["problems"][0]["problem"]
    assert values["image"]["PNG"] == {"read": True, "written": True, "16_bit": True}
    assert values["disk"]["temporary directory"]["free_bytes"] > 0


@pytest.mark.parametrize(
    ("torch", "words"),
    [
        ("raise ImportError('libtorch.so: no such file')", "libtorch.so: no such file"),
        ("import os; os._exit(11)", "ended the process (code 11)"),
    ],
)
def test_it_reports_the_rest_where_torch_is_broken(tmp_path: Path, torch: str, words: str) -> None:
    (tmp_path / "torch.py").write_text(torch)
    done = run("--quiet", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert words in done.stdout
    assert "again" in done.stdout
    assert "cannot work here: 1 problem" in done.stderr
    assert all(line.startswith("!") for line in done.stdout.splitlines())


def test_a_plugin_that_ends_the_process_is_reported(tmp_path: Path) -> None:
    (tmp_path / "crash.py").write_text("import os; os._exit(9)")
    facts = {(fact.topic, fact.name): fact for fact in doctor.examine([str(tmp_path)])}
    assert "VAEAUG_BLOCK_PLUGINS" in facts["plugin", "plugins"].problem
    assert ("image", "PNG") in facts
    assert not doctor.works(list(facts.values()))


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("VAEAUG_CACHE_GB", "much", "a number of gigabytes"),
        ("VAEAUG_CACHE_DIR", "/proc/nowhere", "set VAEAUG_CACHE_DIR"),
    ],
)
def test_a_cache_that_cannot_be_used_is_a_problem(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    (cache,) = [fact for fact in doctor._disks() if fact.name == "cache"]
    assert words in cache.problem
    if variable == "VAEAUG_CACHE_GB" or not os.access("/proc", os.W_OK):
        assert cache.fatal


def test_a_missing_or_old_package_has_its_requirement_as_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another vaeaug is found first, which requires what is not there."""
    metadata = tmp_path / "vaeaug-9.dist-info/METADATA"
    metadata.parent.mkdir()
    requires = ["pillow>=999", "no-such-package>=2", "cousin>=1", "numpy>=1"]
    metadata.write_text("\n".join(["Name: vaeaug", "Version: 9", *(f"Requires-Dist: {line}" for line in requires)]))
    (tmp_path / "cousin.py").touch()  # another package brings its module
    monkeypatch.syspath_prepend(tmp_path)
    problems = {fact.name: fact.problem for fact in doctor._versions() if fact.problem}
    assert problems == {
        "pillow": 'pip install "pillow>=999"',
        "no-such-package": 'pip install "no-such-package>=2"',
    }


def test_what_cannot_be_examined_does_not_hide_the_rest(tmp_path: Path) -> None:
    (tmp_path / "PIL").mkdir()
    (tmp_path / "PIL/__init__.py").write_text("raise RuntimeError('no decoder')")
    (tmp_path / "torch.py").write_text("raise ImportError('not needed here')")
    done = run("--json", PYTHONPATH=str(tmp_path))
    values = json.loads(done.stdout)
    problems = {(problem["topic"], problem["problem"]) for problem in values["problems"]}
    assert ("image", "cannot be examined: RuntimeError: no decoder") in problems
    assert {"version", "disk", "text"} <= values.keys()
