"""Tables that label images: which are found, how their columns and paths are matched, and which are refused."""

import unicodedata
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_files import gray, save
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.dataset.reading_options import LabelOptions
from vaeaug.dataset.scan import scan
from vaeaug.dataset.table_paths import PathMatcher, normalized
from vaeaug.dataset.tables import column_of
from vaeaug.errors import InputError


def write(root, table, *names, name="labels.csv"):
    """Write a table and images, `images/0.png` to `images/3.png` if no others are named."""
    for number, image in enumerate(names or [f"images/{i}.png" for i in range(4)]):
        save(root / image, gray(number))
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(table, encoding="utf-8")
    return root


def labels(root, **options):
    """Return {name of the file: label}."""
    return {PurePosixPath(file.file_name).name: file.label for file in scan(root, **options).files}


PLAIN = {"0.png": "a", "1.png": "b", "2.png": "a", "3.png": "b"}


def table(form, header="file_name,label"):
    """Return a CSV with one row per image; `form` gets the number."""
    return "\n".join([header, *(f"{form.format(i)},{'ab'[i % 2]}" for i in range(4))]) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        table("images/{}.png"),
        table("images\\{}.png"),
        table("./images/{}.png"),
        table("{}.png"),
        table("{}"),
        table("images/{}.PNG"),
        table("IMAGES/{}.png"),
        table("C:\\Users\\me\\set\\images\\{}.png"),
        table("/home/me/set/images/{}.png"),
        table("/content/drive/{}.png"),
        table("data/images/{}.png"),
        table("images/{}.png", "filename,class"),
        table("images/{}.png", "path,category"),
        table("images/{}.png", "Image,Target"),
        table("{}", "image_id,label"),
        table("{}", "Image ID,Class Name"),
        table("{}", "id,breed"),
        table("{}.png").replace(",", ";"),
        table("{}.png").replace(",", "\t"),
        "image,a,b\n0,1.0,0.0\n1,0.0,1.0\n2,1.0,0.0\n3,0.0,1.0\n",
    ],
)
def test_a_table_is_found_and_its_paths_are_matched(tmp_path, text):
    index = scan(write(tmp_path / "set", text))
    assert {PurePosixPath(file.file_name).name: file.label for file in index.files} == PLAIN
    assert all(file.path.is_file() for file in index.files)
    assert index.notes[0].startswith("labels were read from labels.csv (")


@pytest.mark.parametrize("name", ["labels.csv", "annotations.csv", "meta/info.csv", "train.csv", "HAM_metadata.csv"])
def test_tables_of_many_names_are_found(tmp_path, name):
    assert labels(write(tmp_path, table("{}.png"), name=name)) == PLAIN


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".parquet"])
def test_every_kind_of_table(tmp_path, suffix):
    path = write(tmp_path, "") / f"labels{suffix}"
    (tmp_path / "labels.csv").unlink()
    rows = [{"file_name": f"{i}.png", "label": "ab"[i % 2], "n": i} for i in range(4)]
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == ".tsv":
        path.write_text("file_name\tlabel\n" + "".join(f"{row['file_name']}\t{row['label']}\n" for row in rows))
    else:
        path.write_text("".join(f'{{"file_name": "{row["file_name"]}", "label": "{row["label"]}"}}\n' for row in rows))
    assert labels(tmp_path) == PLAIN


def test_a_table_outside_data_and_columns_of_other_names(tmp_path):
    data = write(tmp_path / "data", "x\n")
    (tmp_path / "sorts.csv").write_text(table("{}.png", "Bild,Sorte"))
    options = LabelOptions(str(tmp_path / "sorts.csv"), "Bild", "Sorte")
    assert labels(data, options=options) == PLAIN
    with pytest.raises(InputError, match=r"has no column 'Sort' \(--label-column\); did you mean 'Sorte'"):
        scan(data, options=LabelOptions(str(tmp_path / "sorts.csv"), "Bild", "Sort"))


def test_a_table_given_by_its_name_in_data(tmp_path):
    data = write(tmp_path / "data", table("{}.png"), name="a.csv")
    write(data, table("{}.png").replace(",a", ",x").replace(",b", ",y"), name="b.csv")
    with pytest.raises(InputError, match=r"tables contain labels for the images of .*: 'a.csv', 'b.csv'; choose one"):
        scan(data)
    assert set(labels(data, options=LabelOptions("b.csv")).values()) == {"x", "y"}


def test_tables_of_splits_and_a_submission(tmp_path):
    write(tmp_path, "image_id,label\n0,a\n1,b\n2,a\n3,b\n", *(f"train/{i}.png" for i in range(4)), name="train.csv")
    write(tmp_path, "image_id,label\n4,a\n5,b\n", "test/4.png", "test/5.png", "test/6.png", name="test_labels.csv")
    (tmp_path / "sample_submission.csv").write_text("image_id,label\n4,a\n5,a\n")
    index = scan(tmp_path)
    assert index.counts("train") == {"a": 2, "b": 2}
    assert index.counts("test") == {"a": 1, "b": 1}
    assert {(entry.reason, entry.files) for entry in index.passed_over} == {
        ("not an image", ("sample_submission.csv",)),
        ("not in the table", ("test/6.png",)),
    }


def test_composed_names_in_a_table_and_decomposed_ones_on_disk(tmp_path):
    names = [f"img/cafe\u0301{i}.png" for i in range(4)]
    text = unicodedata.normalize("NFC", table("img/cafe\u0301{}.png"))
    assert sorted(labels(write(tmp_path, text, *names, name="metadata.csv")).values()) == ["a", "a", "b", "b"]


def test_class_folders_that_a_table_repeats_are_read_as_folders(tmp_path):
    names = [f"{'ab'[i % 2]}/{i}.png" for i in range(5)]
    write(tmp_path, "file_name,label,patient\na/0.png,a,p\nb/1.png,b,q\n", *names)
    index = scan(tmp_path)
    assert index.layout == "folders"
    assert index.counts("train") == {"a": 3, "b": 2}
    assert column_of(index.table, "patient") == {"a/0.png": "p", "b/1.png": "q"}


def test_other_columns_can_be_had(tmp_path):
    write(tmp_path, "file_name,label,patient\n0.png,a,7\n1.png,a,8\n2.png,b,\n3.png,b,9\n")
    assert column_of(scan(tmp_path).table, "patient") == {
        "images/0.png": "7",
        "images/1.png": "8",
        "images/2.png": "",
        "images/3.png": "9",
    }
    assert column_of(scan(tmp_path).table, "patients") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,a,b\n0,1,1\n1,0,1\n2,1,0\n3,0,1\n", "line 2 does not have exactly one 1; vaeaug reads one class per"),
        ("file_name,label\n0.png,a\n1.png,b\n9.png,a\n", "labels.csv lists files that are missing in .*: '9.png'"),
        ("file_name,label,xmin\n0.png,a,1\n0.png,b,2\n", "a second time; the table seems to list boxes"),
        ("file_name,label\n0.png,a\n0.png,b\n", "a second time; remove one of the lines"),
    ],
)
def test_a_table_that_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        scan(write(tmp_path, text), options=LabelOptions(str(tmp_path / "labels.csv")))


def test_a_path_that_could_be_two_images(tmp_path):
    write(tmp_path, "file_name,label\n0.png,a\n", "x/0.png", "y/0.png", "y/1.png")
    with pytest.raises(
        InputError, match=r"lists '0.png', which could be 'x/0.png', 'y/0.png'; write the path relative"
    ):
        scan(tmp_path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [("none.csv", "the table none.csv does not exist"), ("notes.txt", "is not a CSV, TSV, JSONL or Parquet table")],
)
def test_a_file_that_is_no_table(tmp_path, labels, message):
    write(tmp_path / "data", table("{}.png"))
    with pytest.raises(InputError, match=message):
        scan(tmp_path / "data", options=LabelOptions(labels))


part = st.text(st.characters(categories=["Ll", "Lu", "Nd", "Mn"], exclude_characters="/\\"), min_size=1, max_size=6)
paths = st.lists(part, min_size=1, max_size=4).map("/".join)


@given(st.lists(paths.map(lambda path: path + ".png"), min_size=1, max_size=6, unique=True), st.data())
def test_a_path_as_other_systems_write_it_means_the_same_image(names, data):
    matcher = PathMatcher(names)
    name = data.draw(st.sampled_from(names))
    written = data.draw(
        st.sampled_from([name, name.replace("/", "\\"), f"./{name}", unicodedata.normalize("NFD", name)])
    )
    same = {other for other in names if unicodedata.normalize("NFC", other) == unicodedata.normalize("NFC", name)}
    found = matcher.find(normalized(written))
    assert set(found) & same
    if len(same) == 1 and len(found) == 1:
        assert found == [name]
