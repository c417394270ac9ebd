"""`docs/how-to/does-it-help.md`: its blocks run one after the other, on fewer classes and with shorter trainings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import doc_pages

PAGE = (doc_pages.DOCS / "how-to/does-it-help.md").read_text(encoding="utf-8")
SHORTER = {
    "shop-larger --steps 300": "shop-larger --steps 12 --no-filter --per-class 60 --workers 1",
    "--balance --steps 300": "--balance --steps 12 --no-filter --workers 1",
    "vaeaug evaluate": "vaeaug evaluate --steps 1 --seeds 2 --workers 1",
}


def test_its_blocks_run_one_after_the_other(tmp_path: Path) -> None:
    session = doc_pages.Session(tmp_path, SHORTER, classes=("bag", "coat", "shirt", "sneaker"))
    printed = [session.run(language, block) for language, block in doc_pages.blocks(PAGE)]
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
