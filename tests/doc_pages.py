"""Run the blocks of a documentation page: commands of vaeaug and Python in this process, where torch is imported."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest
import tiny_data
import warm_start

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str) -> list[tuple[str, str]]:
    """Return (language, text) of the blocks of a page that are marked as shell or Python."""
    return re.findall(r"^```(sh|python)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)


class Session:
    """A reader's session in one folder: each block of shell, and each of Python in an interpreter of its own.

    Args:
        place: the working directory of all blocks.
        shorter: text -> what is run instead of it in every block.
        classes: the classes that are kept of the dataset that `vaeaug demo` writes; all by default.
        one_interpreter: the blocks of Python use the names of those before them.
    """

    def __init__(
        self,
        place: Path,
        shorter: Mapping[str, str] | None = None,
        *,
        classes: Collection[str] = (),
        one_interpreter: bool = False,
    ) -> None:
        self._place, self._shorter, self._classes = place, dict(shorter or {}), classes
        self._names: dict[str, object] | None = {} if one_interpreter else None

    def run(self, language: str, block: str) -> str:
        """Run a block and return what it printed to stdout (other commands than vaeaug: to stderr too).

        Raises:
            AssertionError: if a command of it fails.
        """
        for long, short in self._shorter.items():
            block = block.replace(long, short)
        with _working_in(self._place) as patch:
            if language == "sh":
                return "".join(self._statement(statement, patch) for statement in _statements(block))
            patch.syspath_prepend(self._place)
            if "from datasets import" in block:
                patch.setattr("datasets.config.HF_DATASETS_CACHE", self._place / ".hf")
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(block, {} if self._names is None else self._names)  # noqa: S102 (it is the page that is tested)
            return output.getvalue()

    def _statement(self, statement: str, patch: pytest.MonkeyPatch) -> str:
        if statement == "export PYTHONPATH=.":
            patch.syspath_prepend(self._place)
            return ""
        command, _, file = statement.partition(" > ")
        words = shlex.split(command)
        if words[0] != "vaeaug" or "||" in words:
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", statement],  # noqa: S607 (the bash of the reader)
                env={**os.environ, "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{statement}\n{done.stdout}"
            return done.stdout
        with contextlib.redirect_stdout(io.StringIO()) as output:
            assert tiny_data.run(*words[1:]) == 0, statement
        if words[1] == "demo" and self._classes:
            _keep_classes(Path(words[2]), self._classes)
        if not file:
            return output.getvalue()
        Path(file.strip()).write_text(output.getvalue(), encoding="utf-8")
        return ""


def _keep_classes(data: Path, classes: Collection[str]) -> None:
    for folder in [path for path in data.glob("*/*") if path.is_dir() and path.name not in classes]:
        shutil.rmtree(folder)


def _statements(block: str) -> list[str]:
    """Split a block of shell into its lines; a line with a here-document goes up to the end of that."""
    found, end = [], None
    for line in block.splitlines():
        if end is None:
            found.append(line)
            end = next(iter(re.findall(r"<<'(\w+)'", line)), None)
        else:
            found[-1] += f"\n{line}"
            end = None if line == end else end
    return [statement for statement in found if statement.strip()]


@contextlib.contextmanager
def _working_in(place: Path) -> Iterator[pytest.MonkeyPatch]:
    """Work in a folder, and forget the modules that are imported from it."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        warm_start.use(patch)
        yield patch
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(place)):
            del sys.modules[name]
