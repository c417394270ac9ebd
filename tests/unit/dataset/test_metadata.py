"""Hugging Face imagefolders with metadata."""

import json

import pytest
from dataset_files import class_folder, colour, gray, save

from vaeaug.dataset.scan import scan


def rows(count, label="cat", folder="images"):
    return [(f"{folder}/{label}{i}.png", label) for i in range(count)]


def write_csv(path, table, header="file_name,label"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in table)]) + "\n", encoding="utf-8")
    for name, *_ in table:
        save(path.parent / name)


def test_csv_at_the_root(tmp_path):
    write_csv(tmp_path / "metadata.csv", rows(3) + rows(2, "dog"))
    save(tmp_path / "images" / "unlisted.png")
    index = scan(tmp_path)
    assert index.layout == "metadata"
    assert index.classes == ("cat", "dog")
    assert index.counts("train") == {"cat": 3, "dog": 2}
    assert index.files[0].file_name == "images/cat0.png"


def test_jsonl_with_whole_numbers_as_labels(tmp_path):
    lines = [{"file_name": f"{i}.png", "label": i % 2, "text": "é"} for i in range(4)]
    for line in lines:
        save(tmp_path / line["file_name"])
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    index = scan(tmp_path)
    assert index.classes == ("0", "1")
    assert index.counts("train") == {"0": 2, "1": 2}


def test_the_first_folder_of_a_path_is_its_split(tmp_path):
    write_csv(
        tmp_path / "metadata.csv", rows(2, folder="train/x") + rows(1, folder="validation") + rows(3, folder="test")
    )
    index = scan(tmp_path)
    assert {split: index.counts(split)["cat"] for split in ("train", "val", "test")} == {
        "train": 2,
        "val": 1,
        "test": 3,
    }


def test_a_split_column_goes_before_folders(tmp_path):
    table = [("images/a.png", "cat", "train"), ("images/b.png", "cat", "train"), ("images/c.png", "cat", "test")]
    write_csv(tmp_path / "metadata.csv", [*table, ("test/d.png", "cat", "")], "file_name,label,split")
    index = scan(tmp_path)
    assert [file.file_name for file in index.of("test")] == ["images/c.png", "test/d.png"]


def test_a_table_in_each_split_folder(tmp_path):
    write_csv(tmp_path / "train" / "metadata.csv", rows(2))
    write_csv(tmp_path / "test" / "metadata.csv", rows(1))
    index = scan(tmp_path)
    assert [(file.file_name, file.split) for file in index.files] == [
        ("test/images/cat0.png", "test"),
        ("train/images/cat0.png", "train"),
        ("train/images/cat1.png", "train"),
    ]


@pytest.mark.parametrize("column", ["labels", "Class", "category", "target", "class_name"])
def test_an_obvious_name_for_the_label(tmp_path, column):
    write_csv(tmp_path / "metadata.csv", rows(2), f"file_name,{column}")
    assert scan(tmp_path).classes == ("cat",)


def test_a_byte_order_mark_quotes_and_odd_names(tmp_path):
    for name in ("a, b.png", "ü.png"):
        save(tmp_path / name)
    text = '\ufefffile_name,label\r\n"a, b.png","it\'s ""x"""\r\n./ü.png,"it\'s ""x"""\r\n'
    (tmp_path / "metadata.csv").write_bytes(text.encode("utf-8"))
    index = scan(tmp_path)
    assert index.classes == ('it\'s "x"',)
    assert [file.file_name for file in index.files] == ["a, b.png", "ü.png"]


def test_a_table_in_a_class_folder_is_no_metadata(tmp_path):
    class_folder(tmp_path / "cat")
    (tmp_path / "cat" / "metadata.csv").write_text("camera\nx\n")
    assert scan(tmp_path).layout == "folders"


def test_datasets_reads_the_same_labels(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for i in range(4):
        save(tmp_path / "data" / "train" / f"{i}.png", colour(i) if i % 2 else gray(i))
    write_csv(
        tmp_path / "data" / "train" / "metadata.csv", [(f"{i}.png", "odd" if i % 2 else "even") for i in range(4)]
    )
    theirs = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "data"), cache_dir=str(tmp_path / "hf"))
    ours = scan(tmp_path / "data")
    assert sorted(theirs["train"]["label"]) == sorted(file.label for file in ours.of("train"))
