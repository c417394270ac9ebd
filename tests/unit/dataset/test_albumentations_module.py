"""Whatever is installed as albumentations is accepted if it works like 2.0.8; otherwise one line says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tiny_data

import vaeaug
from vaeaug.dataset.albumentations_module import albumentations_module
from vaeaug.dataset.augment import classical_pipeline
from vaeaug.errors import InputError

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from vaeaug.dataset.augment import classical_pipeline
from vaeaug.errors import InputError
try:
    classical_pipeline(16, 16, 3, flip=True)
except InputError as error:
    print(error)
"""

FORWARD = """
import importlib.util, sys
from pathlib import Path
here = Path(__file__).parents[1].resolve()
path = [entry for entry in sys.path if Path(entry).resolve() != here]
spec = importlib.machinery.PathFinder.find_spec("albumentations", path)
sys.modules["albumentations"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.__version__ = "99.0"
"""


def said(site: Path) -> str:
    """Return what a process says that finds `site` first."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(site)], capture_output=True, text=True, check=True)
    return done.stdout


def put(site: Path, code: str, distribution: str | None = None) -> Path:
    """Write a package albumentations, as another distribution may bring it."""
    (site / "albumentations").mkdir(parents=True)
    (site / "albumentations/__init__.py").write_text(code)
    if distribution:
        info = site / f"{distribution}-2.5.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.5.1\n")
    return site


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("from albucore import median_blur_of_another_version", "ImportError: cannot import name"),
        ("raise KeyError('uint32')", "KeyError: 'uint32'"),
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("class BaseCompose: pass\ndef load(*_): ...", "AttributeError: module 'albumentations' has no attribute"),
    ],
)
def test_another_package_in_its_place_is_one_line_with_the_remedy(tmp_path: Path, code: str, cause: str) -> None:
    line = said(put(tmp_path, code, "albumentationsx"))
    assert line.count("\n") == 1
    assert f"albumentations does not work like version 2.0.8 ({cause}" in line
    assert "AlbumentationsX 2.5.1 is installed in its place" in line
    assert line.endswith("pip uninstall -y albumentationsx albumentations && pip install albumentations==2.0.8\n")


def test_what_works_like_it_is_accepted_whatever_its_version(tmp_path: Path) -> None:
    assert said(put(tmp_path, FORWARD, "albumentationsx")) == ""


def test_without_it_only_what_uses_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "albumentations", None)
    albumentations_module.cache_clear()
    try:
        with pytest.raises(InputError, match=r"not installed: pip install albumentations==2\.0\.8"):
            classical_pipeline(8, 8, 1, flip=False)
        data = tiny_data.write_dataset(tmp_path / "data", {"ant": 4, "bee": 4})
        with pytest.raises(InputError, match="not installed"):
            vaeaug.augment(data, tmp_path / "out", evaluate=True, **tiny_data.QUICK)
        vaeaug.augment(data, tmp_path / "out", per_class=1, **tiny_data.QUICK)
    finally:
        albumentations_module.cache_clear()
