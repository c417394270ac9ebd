"""Samples stream to files; a run that was stopped anywhere ends with the bytes of one that was not."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from machine_faults import no_space, on_disk
from PIL import Image

from vaeaug.dataset.index import ImageFile
from vaeaug.export.class_format import ClassFormat
from vaeaug.export.manifest import ManifestRow, Sources, manifest_rows, write_manifest
from vaeaug.export.real import place_real
from vaeaug.export.writer import SampleSpan, complete_spans, read_journal, sample_file, spans, write_samples
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.edit import Edit

COUNTS = {"cat": 10, "a/b": 5}
KINDS = {"cat": ClassFormat(8, 9, "L"), "a/b": ClassFormat(16, 16, "RGB")}
TEXT = {"Software": "vaeaug 0", "vaeaug:seed": "0"}


def drawn(span: SampleSpan) -> SampleChunk:
    """Draw samples that depend on label and index alone."""
    side, channels = (8, 1) if span.label == "cat" else (16, 3)
    pixels = np.stack(
        [
            np.random.default_rng([len(span.label), index]).integers(0, 256, (side, side, channels), dtype=np.uint8)
            for index in range(span.start, span.start + span.count)
        ]
    )
    sources = tuple(f"cat/{index}.png" if index % 2 else None for index in range(span.start, span.start + span.count))
    return SampleChunk(span.label, span.start, pixels, sources, "posterior")


def write(out: Path, todo: Iterable[SampleSpan], threads: int | None = None) -> int:
    out.mkdir(exist_ok=True)
    chunks = (drawn(span) for span in todo)
    return write_samples(chunks, out / "train", out / "j", kinds=KINDS, provenance=TEXT, threads=threads)


def missing(train: Path, journal: Path) -> list[SampleSpan]:
    """The spans of `COUNTS` that are still to be written."""
    there = complete_spans(train, journal)
    return [span for span in spans(COUNTS, 4) if span not in there]


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in (out / "train").rglob("*") if path.is_file()}


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, bytes]:
    assert write(tmp_path / "whole", spans(COUNTS, 4)) == 15
    return files(tmp_path / "whole")


def test_every_sample_is_written_in_the_size_and_mode_of_its_class(whole: dict[str, bytes]) -> None:
    assert sorted(whole) == [
        *(f"train/a%2Fb/synthetic-a%2Fb-{index:05}.png" for index in range(5)),
        *(f"train/cat/synthetic-cat-{index:05}.png" for index in range(10)),
    ]
    cat = Image.open(io.BytesIO(whole["train/cat/synthetic-cat-00007.png"]))
    assert (cat.size, cat.mode) == ((9, 8), "L")
    expected = {"vaeaug:class": "cat", "vaeaug:index": "7", "vaeaug:sampler": "posterior", "vaeaug:source": "cat/7.png"}
    assert {**TEXT, **expected}.items() <= cat.info.items()
    colour = Image.open(io.BytesIO(whole["train/a%2Fb/synthetic-a%2Fb-00002.png"]))
    assert np.array_equal(np.asarray(colour), drawn(SampleSpan("a/b", 2, 1)).pixels_BHWC[0])
    assert "vaeaug:source" not in colour.info


def test_the_file_of_a_changed_real_image_says_that_it_is_synthetic(tmp_path: Path) -> None:
    real = np.random.default_rng(0).integers(0, 256, (8, 9), dtype=np.uint8)
    Image.fromarray(real).save(tmp_path / "real.png")
    chunk = drawn(SampleSpan("cat", 0, 1))
    still = np.zeros((8, 8, 1), np.float32)
    changed = dataclasses.replace(chunk, edits=(Edit(tmp_path / "real.png", still, still, fade=0.0),))
    for made in (chunk, changed):
        with Image.open(io.BytesIO(sample_file(made, 0, KINDS["cat"], provenance=TEXT))) as image:
            assert "/trainedAlgorithmicMedia" in image.info["XML:com.adobe.xmp"]
            assert image.info["vaeaug:synthetic"] == "true"  # as in the manifest


def test_edited_images_have_the_format_of_their_sources_and_are_found_again(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "real.png")
    Image.fromarray(pixels).save(tmp_path / "real.jpg", quality=40)
    still = np.zeros((8, 8, 3), np.float32)
    edits = tuple(Edit(tmp_path / name, still, still, fade=0.0) for name in ("real.png", "real.jpg", "real.jpg"))
    chunk = dataclasses.replace(drawn(SampleSpan("a/b", 0, 3)), edits=edits, verdicts=(None, "near copy", None))
    write_samples([chunk], tmp_path / "train", tmp_path / "j", kinds=KINDS, provenance=TEXT)
    folder = tmp_path / "train" / "a%2Fb"
    names = ["synthetic-a%2Fb-00000.png", "synthetic-a%2Fb-00002.jpg"]
    assert sorted(path.name for path in folder.iterdir()) == names
    with Image.open(folder / names[1]) as made, Image.open(tmp_path / "real.jpg") as real:
        assert made.quantization == real.quantization
    assert list(complete_spans(tmp_path / "train", tmp_path / "j")) == [SampleSpan("a/b", 0, 3)]
    (entry,) = read_journal(tmp_path / "j")
    assert [entry.suffix(offset) for offset in entry.kept] == [".png", ".jpg"]
    (folder / names[1]).write_bytes((folder / names[1]).read_bytes()[:-1])
    assert not complete_spans(tmp_path / "train", tmp_path / "j")


@pytest.mark.parametrize(("size", "threads"), [(1, 1), (3, 4), (100, 2)])
def test_chunk_size_and_threads_do_not_change_a_byte(
    tmp_path: Path, whole: dict[str, bytes], size: int, threads: int
) -> None:
    write(tmp_path / "other", spans(COUNTS, size), threads)
    assert files(tmp_path / "other") == whole


@pytest.mark.parametrize("stop_after", range(4))
def test_a_stopped_run_is_gone_on_with_and_ends_with_the_same_bytes(
    tmp_path: Path, whole: dict[str, bytes], stop_after: int
) -> None:
    def interrupted() -> Iterator[SampleSpan]:
        for number, span in enumerate(spans(COUNTS, 4)):
            if number == stop_after:
                raise KeyboardInterrupt
            yield span

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write(out, interrupted(), threads=1)
    todo = missing(out / "train", out / "j")
    done = {entry.span for entry in read_journal(out / "j")}
    assert todo == [span for span in spans(COUNTS, 4) if span not in done]
    write(out, todo)
    assert files(out) == whole
    assert missing(out / "train", out / "j") == []


def test_only_chunks_whose_files_are_all_complete_count_as_written(tmp_path: Path, whole: dict[str, bytes]) -> None:
    out = tmp_path / "whole"
    (out / "train" / "cat" / "synthetic-cat-00005.png").write_bytes(b"")  # what a power cut leaves
    (out / "train" / "a%2Fb" / "synthetic-a%2Fb-00004.png").unlink()
    cut = out / "train" / "cat" / "synthetic-cat-00008.png"
    cut.write_bytes(cut.read_bytes()[:-1])
    todo = missing(out / "train", out / "j")
    assert todo == [SampleSpan("cat", 4, 4), SampleSpan("cat", 8, 2), SampleSpan("a/b", 4, 1)]
    write(out, todo)
    assert files(out) == whole


def test_a_journal_line_cut_off_by_a_kill_is_no_harm(tmp_path: Path, whole: dict[str, bytes]) -> None:
    out = tmp_path / "whole"
    journal = out / "j"
    journal.write_bytes(journal.read_bytes()[:-5])
    todo = missing(out / "train", journal)
    assert todo == [SampleSpan("a/b", 4, 1)]
    write(out, todo)
    assert missing(out / "train", journal) == []
    assert files(out) == whole


def test_an_error_while_writing_surfaces_and_leaves_no_half_file(tmp_path: Path) -> None:
    with on_disk("rename", "*00007.png", no_space), pytest.raises(OSError, match="No space"):
        write(tmp_path / "out", spans({"cat": 10}, 4))
    assert [entry.span.start for entry in read_journal(tmp_path / "out" / "j")] == [0]
    assert all(name.endswith(".png") for name in files(tmp_path / "out"))


def test_no_more_than_a_few_chunks_are_held(tmp_path: Path) -> None:
    alive = [0, 0]

    class Counted(np.ndarray):  # type: ignore[type-arg]
        def __del__(self) -> None:
            if self.base is not None and getattr(self, "counted", False):
                alive[0] -= 1

    def chunks() -> Iterator[SampleChunk]:
        for span in spans({"cat": 400}, 4):
            pixels = drawn(span).pixels_BHWC.view(Counted)
            pixels.counted = True
            alive[0] += 1
            alive[1] = max(alive)
            yield SampleChunk(span.label, span.start, pixels, (None,) * span.count, "prior")

    (tmp_path / "out").mkdir()
    write_samples(chunks(), tmp_path / "out", tmp_path / "j", kinds=KINDS, provenance={}, threads=2)
    assert 1 <= alive[1] <= 8  # two threads: five in the queue, and those in hand


def test_the_manifest_lists_every_image_once_in_a_fixed_order(tmp_path: Path, whole: dict[str, bytes]) -> None:
    real = place_real(
        [
            ImageFile(Path("x"), "train/cat/b.png", "train", "cat"),
            ImageFile(Path("x"), "train/cat/a,1.png", "train", "cat"),
            ImageFile(Path("x"), "test/cat/c.png", "test", "cat"),
            ImageFile(Path("x"), "val/dog/é.png", "val", "dog"),
        ],
        "splits",
    )
    out = tmp_path / "whole"
    write(out, [SampleSpan("cat", 0, 4)])  # made again: counts once
    number = write_manifest(out / "manifest.csv", manifest_rows(reversed(real), Sources((), real), out / "j", seed=3))
    with (out / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert number == len(rows) == 19
    assert list(rows[0]) == [
        "file_name", "split", "label", "synthetic", "source", "original", "sampler", "index", "seed", "normalized",
    ]  # fmt: skip
    assert [row["file_name"] for row in rows] == [
        *(f"train/a%2Fb/synthetic-a%2Fb-{index:05}.png" for index in range(5)),
        "train/cat/a,1.png",
        "train/cat/b.png",
        *(f"train/cat/synthetic-cat-{index:05}.png" for index in range(10)),
        "val/dog/é.png",
        "test/cat/c.png",
    ]
    assert list(rows[8].values()) == [
        "train/cat/synthetic-cat-00001.png", "train", "cat", "true",
        "cat/1.png", "cat/1.png", "posterior", "1", "3", "",
    ]  # fmt: skip
    name = "train/cat/a,1.png"
    assert list(rows[5].values()) == [name, "train", "cat", "false", name, name, "", "", "", ""]
    assert b"\r" not in (out / "manifest.csv").read_bytes()


def test_a_manifest_that_fails_half_way_is_not_there(tmp_path: Path) -> None:
    def rows() -> Iterator[ManifestRow]:
        yield ManifestRow("train/cat/1.png", "train", "cat", "false", "cat/1.png", "cat/1.png")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_manifest(tmp_path / "manifest.csv", rows())
    assert list(tmp_path.iterdir()) == []
