"""A small command line of every command that writes, and what they read."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_data

QUICK = ["--steps", "4", "--batch-size", "8", "--workers", "1", "--set", "width=16", "--latent-dim", "4", "--quiet"]

COMMANDS = {
    "demo": ["demo", "."],
    "plugins": ["plugins", "new", "umask-test", "."],
    "augment": ["augment", "{data}", ".", "--per-class", "2", "--no-filter", *QUICK],
    "augment a model": ["augment", "{data}", ".", "--model", "{tmp}/model", "--per-class", "2", "--no-filter", *QUICK],
    "train": ["train", "{data}", ".", *QUICK],
    "train inpainting": ["train", "{data}", ".", "--inpainting", *QUICK],
    "sample": ["sample", "{model}", ".", "--per-class", "2", "--quiet"],
    "inpaint": ["inpaint", "{model}", "{data}", ".", "--random-holes", "--method", "gibbs", "--draws", "1", "--quiet"],
    "encode": ["encode", "{model}", "{data}", ".", "--quiet"],
    "encode npz": ["encode", "{model}", "{data}", ".", "--format", "npz", "--quiet"],
    "encode npy-tree": ["encode", "{model}", "{data}", ".", "--format", "npy-tree", "--quiet"],
    "score": ["score", "{model}", "{data}", ".", "--draws", "1", "--quiet"],
    "interpolate": ["interpolate", "{model}", "{data}/ant/000.png", "{data}/ant/001.png", ".", "--quiet"],
    "traverse": ["traverse", "{model}", ".", "--quiet"],
    "evaluate": [
        *("evaluate", "{data}", "{synthetic}", "--out", ".", "--test", "{test}", "--seeds", "2", "--steps", "2"),
        *("--arms", "real,synthetic", "--flip", "no", "--classical", "mild", "--workers", "1", "--quiet"),
    ],
}
"""Name -> words, with places in braces: those of `places`, and `tmp`. They write into the working directory."""


def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write what the commands read."""
    root = tmp_path_factory.mktemp("read")
    for name, count in (("synthetic", 13), ("test", 17)):
        tiny_data.write_dataset(root / name, {"ant": count, "bee": count})
        for path in sorted((root / name).rglob("*.png")):
            if int(path.stem) < count - 3:
                path.unlink()
    return {
        "data": tiny_data.two_classes(tmp_path_factory),
        "model": tiny_data.model(tmp_path_factory),
        "synthetic": root / "synthetic",
        "test": root / "test",
    }


IN_ONE_PROCESS = """
import contextlib, io, json, sys
from vaeaug.cli import main

printed = []
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            main(words)
        except SystemExit as end:
            assert not end.code, words
    printed.append(output.getvalue())
print(json.dumps(printed))
"""
"""A program for another interpreter: it runs command lines, given as JSON, and prints what each printed, as JSON."""
