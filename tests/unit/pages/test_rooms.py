"""Pages are drawn without the measures: a row of pictures needs no statistics."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import vaeaug.pages.dataset_report, vaeaug.pages.anomaly_gallery, vaeaug.pages.inpainting_report, vaeaug.pages.sheets
print([name for name in sys.modules if name.startswith("vaeaug.evaluation") or name in ("torch", "sklearn", "scipy")])
"""


def test_no_page_imports_a_measure_or_torch() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
