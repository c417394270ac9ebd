"""`docs/writing-a-plugin.md`: its code runs, and it tells of every hook and every problem there is."""

import os
import re
import typing
from pathlib import Path

import pytest
from child_process import Child

from vaeaug import hookspecs
from vaeaug.plugins import load
from vaeaug.plugins.problems import Kind

GUIDE = (Path(__file__).parents[3] / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
HOOKS = [name for name in vars(hookspecs) if name.startswith("vaeaug_")]
DENOISING, HUBER, BOOTSTRAP, TESTS = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)


@pytest.fixture
def my_plugins(tmp_path: Path) -> Path:
    for name, text in (("denoising_vae", DENOISING), ("huber", HUBER), ("smoothed_bootstrap", BOOTSTRAP)):
        assert f"`my_plugins/{name}.py`" in GUIDE
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_plugins_of_the_guide_load(my_plugins: Path) -> None:
    registry = load([my_plugins], environ={})
    assert not registry.problems
    assert registry.variant("denoising-vae").cls.Config().noise == 0.1
    assert registry.loss("huber").origin == str(my_plugins / "huber.py")
    assert registry.sampler("smoothed-bootstrap").origin == str(my_plugins / "smoothed_bootstrap.py")


@pytest.mark.parametrize("text", [DENOISING, BOOTSTRAP], ids=["variant", "sampler"])
def test_the_plugins_of_the_guide_are_about_thirty_lines(text: str) -> None:
    assert len([line for line in text.splitlines() if line.strip()]) <= 30


def test_the_tests_of_the_guide_pass(my_plugins: Path) -> None:
    (my_plugins / "test_mine.py").write_text(TESTS, encoding="utf-8")

    def work() -> int:
        os.chdir(my_plugins)
        return pytest.main(["-q", "-p", "no:cacheprovider", "test_mine.py"])

    child = Child(work, my_plugins / "printed")
    code = child.wait(seconds=600)
    assert (code, "3 passed" in child.errors.read_text()) == (0, True), child.errors.read_text()


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_and_used_by_what_we_ship(hook: str) -> None:
    assert f"### `{hook}()`" in GUIDE
    assert f"@hookimpl\ndef {hook}():" in GUIDE
    assert getattr(hookspecs, hook).__doc__
    sources = Path(hookspecs.__file__).parents[1] / "plugins"
    assert any(f"def {hook}(" in file.read_text(encoding="utf-8") for file in sources.rglob("*.py"))


@pytest.mark.parametrize("kind", typing.get_args(Kind))
def test_every_kind_of_problem_is_documented(kind: str) -> None:
    assert f"| `{kind}` |" in GUIDE


def test_the_guide_states_the_api_version() -> None:
    assert f"This vaeaug has API {hookspecs.API_VERSION}." in GUIDE
