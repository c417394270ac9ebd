"""`docs/how-to/does-it-help.md`: its blocks run one after the other, with shorter trainings than a reader's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs/how-to"
PAGE = (FOLDER / "does-it-help.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
SHORTER = {"--steps 300": "--steps 12 --no-filter", "vaeaug evaluate": "vaeaug evaluate --steps 8 --seeds 2"}


def test_its_blocks_run_one_after_the_other(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    printed = []
    for language, block in BLOCKS:
        shorter = block
        for long, short in SHORTER.items():
            shorter = shorter.replace(long, short)
        command = {"sh": ["bash", "-euo", "pipefail", "-c", shorter], "python": [sys.executable, "-c", block]}[language]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shorter}\n{done.stdout}{done.stderr}"
        printed.append(done.stdout)
    decision, *arms = printed[1].splitlines()
    assert decision in ("helps", "harms", "does not help", "undecided")
    assert [line.split()[0] for line in arms] == [
        "real", "classical", "mixup", "synthetic", "classical+synthetic", "synthetic-only",
    ]  # fmt: skip
    others = json.loads((tmp_path / "found.json").read_text())
    assert others["tested_on"] == "others"
    assert list(others["arms"]) == ["real", "synthetic"]
    tail = json.loads((tmp_path / "evaluation-tail/evaluation.json").read_text())
    assert tail["metric"] == "balanced-accuracy"
    assert list(tail["rivals"]) == ["classical", "oversampled", "smote", "weighted", "deferred"]
    assert tail["images"]["bag"]["real"] < 20
    assert tail["images"]["bag"]["real"] + tail["images"]["bag"]["synthetic"] == 60


def test_the_table_has_every_arm() -> None:
    from vaeaug.evaluation.arms import ARMS

    table = PAGE.split("| `real` |")[1].split("\n\n")[0]
    assert ["real", *re.findall(r"^\| `([a-z+-]+)` \|", table, flags=re.MULTILINE)] == list(ARMS)
