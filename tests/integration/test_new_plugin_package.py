"""The package that `vaeaug plugins new` writes: installed as a stranger would, it passes its own tests at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

from command_lines import IN_ONE_PROCESS

from vaeaug.hookspecs import HOOKS

KINDS = tuple(HOOKS.values())


def test_new_packages_install_are_found_and_pass_their_own_tests(tmp_path: Path) -> None:
    site = tmp_path / "site"
    environ = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def run(*command: str) -> str:
        arguments = [sys.executable, *command]
        done = subprocess.run(arguments, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def vaeaug(*lines: list[str]) -> list[str]:
        return json.loads(run("-c", IN_ONE_PROCESS, json.dumps(lines)))

    vaeaug(*(["plugins", "new", f"fresh-{kind}", "--kind", kind] for kind in KINDS))
    packages = [f"./vaeaug-fresh-{kind}" for kind in KINDS]
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
    run("-m", "pip", "install", *offline, *packages)

    of_list, of_check = map(json.loads, vaeaug(["plugins", "--json"], ["plugins", "check", "--json"]))
    listed = {entry["name"]: entry for entry in of_list}
    checked = {row["plugin"]: row for row in of_check}
    for kind in KINDS:
        entry = listed[f"fresh-{kind}"]
        assert (entry["kind"], entry["distribution"], entry["version"]) == (kind, f"vaeaug-fresh-{kind}", "0.1.0")
        assert checked[f"fresh-{kind}"]["status"] == "ok"
    assert f"{3 * len(KINDS)} passed" in run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", *packages
    )
