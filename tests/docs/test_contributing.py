"""The recipe for a new command in CONTRIBUTING.md is that of the commands that it is shown on."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Add a command")[1].split("\n## ")[0]
COMMAND = ROOT / "vaeaug/workflows/pictures/traverse_command.py"
COMMON = ("run", "settings", "device")
"""The modules of `vaeaug.workflows` that every command shares."""


def test_the_files_of_the_commands_exist() -> None:
    named = re.findall(r"`([\w/.-]+\.(?:py|md|toml))`", RECIPE)
    assert len(named) > 12
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_ten_concepts_are_enough() -> None:
    assert re.findall(r"^(\d+)\. ", RECIPE, flags=re.MULTILINE) == [str(number) for number in range(1, 11)]


def test_every_shared_name_that_the_command_uses_is_one_of_them() -> None:
    tree = ast.parse(COMMAND.read_text(encoding="utf-8"))
    modules = {f"vaeaug.workflows.{name}" for name in COMMON}
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module in modules)
    used = {alias.name for node in imports for alias in node.names}
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    used |= {f"run.{node.attr}" for node in attributes if isinstance(node.value, ast.Name) and node.value.id == "run"}
    assert {"build", "begin_run", "run.writing"} <= used
    assert [name for name in sorted(used) if not re.search(rf"`{re.escape(name)}\b", RECIPE)] == []
