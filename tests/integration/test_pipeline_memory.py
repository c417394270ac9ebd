"""Samples stream to disk: memory does not grow with their number."""

import sys
from pathlib import Path

import pytest
import tiny_data
from child_process import Child

import vaeaug
from vaeaug.progress import Progress, Tick

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks, and reads /proc")


class Gauge(Progress):
    """The most memory that this process held while it heard of progress, in KiB (files mapped into it left out)."""

    def __init__(self) -> None:
        self.most = 0

    def tick(self, tick: Tick) -> None:
        self.most = max(self.most, int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]))


def test_writing_many_images_takes_no_more_memory_than_writing_few(tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 3}, height=128, width=128, channels=3)
    model = tmp_path / "model"
    vaeaug.train(data, model, image_size="128", **tiny_data.QUICK)

    def work() -> None:
        peaks = []
        for number, count in enumerate((300, 300, 1200)):  # the first to warm up
            gauge = Gauge()
            vaeaug.sample(model, tmp_path / f"out-{number}", per_class=count, workers=1, progress=gauge)
            peaks.append(gauge.most)
        (tmp_path / "peaks").write_text(" ".join(map(str, peaks)))

    child = Child(work, tmp_path / "errors")
    assert child.wait() == 0, child.errors.read_text()
    _, few, many = map(int, (tmp_path / "peaks").read_text().split())
    assert len(list((tmp_path / "out-2/train/ant").iterdir())) == 1200
    pixels = 900 * 128 * 128 * 3 / 1024  # what the images more are, in KiB
    assert many - few < pixels / 2
