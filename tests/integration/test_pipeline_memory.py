"""Samples stream to disk: memory does not grow with their number."""

import json
import sys
from pathlib import Path

import pytest
import tiny_data
from child_process import Child

import vaeaug

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks, and reads /proc")


def _resident(name: str = "VmRSS") -> int:
    """Memory of this process in KiB: resident now, or the most it ever had (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0])


def test_writing_many_images_takes_no_more_memory_than_writing_few(tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 3}, height=64, width=64, channels=3)
    model = tmp_path / "model"
    vaeaug.train(data, model, **tiny_data.QUICK)

    def grown(count: int) -> int:
        def work() -> None:
            vaeaug.sample(model, tmp_path / f"warm-{count}", per_class=100, workers=1)
            Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
            before = _resident()
            vaeaug.sample(model, tmp_path / f"out-{count}", per_class=count, workers=1)
            (tmp_path / f"{count}.json").write_text(json.dumps(_resident("VmHWM") - before))

        child = Child(work, tmp_path / "errors")
        assert child.wait() == 0, child.errors.read_text()
        return int(json.loads((tmp_path / f"{count}.json").read_text()))

    few, many = grown(400), grown(2400)
    assert len(list((tmp_path / "out-2400/train/ant").iterdir())) == 2400
    pixels = 2000 * 64 * 64 * 3 / 1024  # what the images more are, in KiB
    assert many - few < pixels / 2
