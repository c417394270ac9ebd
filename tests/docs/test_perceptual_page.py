"""`docs/how-to/perceptual-loss.md`: what is marked as code runs, one block after the other, without a download."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vaeaug

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "perceptual-loss.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_its_blocks_run_and_the_models_need_no_network(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for language, block in BLOCKS:
        command = {"sh": ["bash", "-euo", "pipefail", "-c", block], "python": [sys.executable, "-c", block]}[language]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block}\n{done.stderr}"
    (tmp_path / "mine.safetensors").unlink()
    for name in ("shop-mine", "shop-lite0"):
        assert vaeaug.load(tmp_path / name).sample("bag", 2).shape == (2, 28, 28, 1)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", PAGE))
def test_links_lead_somewhere(link: str) -> None:
    assert (Path(__file__).parents[2] / "docs" / "how-to" / link).exists()
