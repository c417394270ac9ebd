"""A process imports what its work needs: no other command, and no package that takes seconds and is not used."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_data
from tiny_data import QUICK, options

HEAVY = {"torch._dynamo", "torch._inductor", "sympy", "torchvision", "sklearn", "scipy", "pandas", "albumentations"}

PROGRAM = """
import json, os, sys

first, *sources = json.loads(sys.argv[1])
exec(first)
for source in sources:
    child = os.fork()
    if child == 0:
        try:
            exec(source)
        except SystemExit as end:
            assert not end.code
        print(json.dumps(list(sys.modules)), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
"""Run each source in a fork of a process that has run the first one, and print the names of all modules."""


PREPARE = """
from vaeaug.cli import main
from vaeaug.workflows.augment import augment_command
from vaeaug.workflows.inpaint import inpaint_command
from vaeaug.workflows.synthetic import sample_filter

sample_filter.MIN_STEPS, sample_filter.STEPS_PER_IMAGE = 1, 0  # of each classifier
"""


def _modules(first: str, *sources: str) -> list[set[str]]:
    command = [sys.executable, "-c", PROGRAM, json.dumps([first, *sources])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [set(json.loads(line)) for line in done.stdout.splitlines()]
    assert len(found) == len(sources), done.stderr
    return found


def test_a_worker_process_imports_no_other_command() -> None:
    foreign = {
        "score.score_task": ("inpaint", "evaluat", "synthe", "pages"),
        "train.training_task": ("inpaint", "evaluat", "anomaly", "pages"),
        "evaluate.classifier_task": ("inpaint", "anomaly", "models", "pages"),
    }
    found = _modules("import torch", *(f"import vaeaug.workflows.{task}" for task in foreign))
    for (task, words), names in zip(foreign.items(), found, strict=True):
        own = f"vaeaug.workflows.{task.split('.', maxsplit=1)[0]}"
        others = {name for name in names if name.startswith("vaeaug.") and not name.startswith(own)}
        assert {name for name in others if any(word in name for word in words)} == set()
        assert f"vaeaug.workflows.{task}" in names
        assert names & HEAVY == set()


def test_trainings_import_no_compiler_and_no_package_that_they_do_not_use(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = str(tiny_data.two_classes(tmp_path_factory))
    model = str(shutil.copytree(tiny_data.model(tmp_path_factory), tmp_path / "shared"))  # an encoder is added to it
    quick = [*options(QUICK), "--quiet"]
    few = str(tiny_data.write_dataset(tmp_path / "few", {"ant": 1, "bee": 1}))
    codes = ["--steps", "2", "--workers", "1", "--set", "prior_steps=2", "--quiet"]
    holes = ["--random-holes", "--method", "partial-encoder", "--partial-steps", "2", "--draws", "1", "--quiet"]
    commands = {
        "train": ["train", data, str(tmp_path / "model"), *quick],
        "train codes": ["train", data, str(tmp_path / "codes"), "--variant", "vq-vae", *codes],
        "augment": ["augment", data, str(tmp_path / "out"), "--per-class", "2", *quick],
        "inpaint": ["inpaint", model, few, str(tmp_path / "completed"), *holes],
    }
    found = _modules(PREPARE, *(f"main({words!r})" for words in commands.values()))
    for name, modules in zip(commands, found, strict=True):
        assert modules & HEAVY <= ({"scipy"} if name == "inpaint" else set()), name  # it weighs the blend
        assert "vaeaug.nn.adamw" in modules
    assert "vaeaug.training.loop" in found[0]
    assert "vaeaug.classifier.fit" in found[2]  # of the filter
    assert "vaeaug.inpainting.train_encoder" in found[3]
