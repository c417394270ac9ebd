"""The example of a plugin that is a package of its own: installed as a stranger's, it passes its tests and augments."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import tiny_data
from command_lines import IN_ONE_PROCESS
from PIL import Image

PACKAGE = Path(__file__).parents[2] / "docs" / "examples" / "vaeaug-rhvae"


def test_the_rhvae_package_installs_passes_its_own_tests_and_draws_new_images(tmp_path: Path) -> None:
    site, package = tmp_path / "site", tmp_path / "package"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".*"))
    environ = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def run(*command: str, cwd: Path = tmp_path) -> str:
        arguments = [sys.executable, *command]
        done = subprocess.run(arguments, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
    run("-m", "pip", "install", *offline, str(package))
    assert "passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", cwd=package)

    data, model = tiny_data.write_dataset(tmp_path / "data", {"left": 12, "right": 12}), tmp_path / "model"
    small = ["--set", "width=16", "--latent-dim", "4", "--set", "centroids=8"]
    length = ["--steps", "12", "--batch-size", "8", "--workers", "1"]
    sample = ["--sampler", "prior", "--quiet", "--set", "chain_leapfrog_steps=3", "--per-class"]
    lines = [
        ["plugins", "check", "--json"],
        ["train", str(data), str(model), "--variant", "rhvae", *small, *length, "--quiet"],
        *(["sample", str(model), str(tmp_path / count), *sample, count] for count in ("70", "3")),
    ]
    checked, *_ = json.loads(run("-c", IN_ONE_PROCESS, json.dumps(lines)))
    rows = {row["plugin"]: row for row in json.loads(checked)}
    assert (rows["rhvae"]["status"], rows["rhvae"]["distribution"]) == ("ok", "vaeaug-rhvae")
    assert rows["rhvae"]["variants"] == ["rhvae"]
    record = json.loads((model / "model.json").read_text(encoding="utf-8"))
    assert record["variant"]["distribution"] == "vaeaug-rhvae"

    more, fewer = ([np.asarray(Image.open(p)) for p in sorted((tmp_path / n).rglob("*.png"))] for n in ("70", "3"))
    assert (len(more), len(fewer)) == (140, 6)
    for i, picture in enumerate(fewer):  # sample i depends on (seed, class, i) alone, chains too
        assert np.array_equal(picture, more[70 * (i // 3) + i % 3])
