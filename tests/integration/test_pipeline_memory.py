"""Samples stream to disk: memory does not grow with their number."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_data

import vaeaug

# In a fresh process: memory that other tests have freed would hide growth, or feign it.
SCRIPT = """
import sys
from pathlib import Path
import vaeaug
from vaeaug.progress import Progress

class Gauge(Progress):
    most = 0

    def tick(self, tick):
        self.most = max(self.most, int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]))

if __name__ == "__main__":
    model, out = sys.argv[1:]
    for number, count in enumerate((150, 150, 750)):  # the first to warm up
        gauge = Gauge()
        vaeaug.sample(model, f"{out}-{number}", per_class=count, workers=1, progress=gauge)
        print(gauge.most)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_writing_many_images_takes_no_more_memory_than_writing_few(tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 3}, height=128, width=128, channels=3)
    vaeaug.train(data, tmp_path / "model", image_size="128", **tiny_data.QUICK)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "model"), str(tmp_path / "out")]
    # glibc keeps freed arrays of up to 32 MiB for later, now and then more of them in the longer run: here none.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    _, few, many = map(int, done.stdout.split())
    assert len(list((tmp_path / "out-2/train/ant").iterdir())) == 750
    pixels = 600 * 128 * 128 * 3 / 1024  # what the images more are, in KiB
    assert many - few < pixels / 2, (few, many, pixels)
