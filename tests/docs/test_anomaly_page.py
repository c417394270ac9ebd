"""`docs/how-to/anomaly-scores.md`: its blocks run one after the other, and find what they are said to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs/how-to"
PAGE = (FOLDER / "anomaly-scores.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_its_blocks_run_one_after_the_other(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    printed, python = [], ""
    for language, block in BLOCKS:
        python += block if language == "python" else ""  # a page's Python is one session
        command = {"sh": ["bash", "-euo", "pipefail", "-c", block], "python": [sys.executable, "-c", python]}[language]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        printed.append(done.stdout)
    assert "(28, 28) True" in printed[2]
    assert "label_surprise" in printed[4]
    assert printed[5].endswith("(4, 28, 28)\n")
    pages = sorted(path.name for path in (tmp_path / "scores").iterdir())
    assert pages == ["README.md", "gallery.html", "maps", "scores.csv", "scores.parquet", "vaeaug.json"]


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", PAGE))
def test_links_lead_somewhere(link: str) -> None:
    assert (FOLDER / link).exists()
