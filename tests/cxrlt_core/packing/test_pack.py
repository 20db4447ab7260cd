import hashlib
import os
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pictures import draw
from PIL import Image

from cxrlt_core.packing import pack as packing
from cxrlt_core.packing import packed_array
from cxrlt_core.packing import record as pack_record
from cxrlt_core.packing.decode import Geometry, decode
from cxrlt_core.packing.decoder import decoder
from cxrlt_core.packing.files import ImageFiles
from cxrlt_core.packing.pack import check_rejects, pack_images
from cxrlt_core.packing.packed_array import open_array, pictures, read_decoder
from cxrlt_core.system.errors import Stopped, StudyError
from cxrlt_core.system.files import read_parquet, write_parquet

REPOSITORY = Path(__file__).parents[3]
SIZE = 24
SQUASH = Geometry(SIZE, "squash")


@pytest.fixture
def root(tmp_path):
    """A folder of 100 images, of which number 7 is truncated and number 9 absent."""
    root = tmp_path / "images"
    for number in range(100):
        draw(root / f"p{number % 3}" / f"{number}.png", number)
    broken = root / "p1" / "7.png"
    broken.write_bytes(broken.read_bytes()[:500])
    (root / "p0" / "9.png").unlink()
    return root


PATHS = [f"p{number % 3}/{number}.png" for number in range(100)]


def pack(root, array, numbers=range(100), workers=1, folders=("",), geometry=SQUASH):
    paths = [PATHS[number] for number in numbers]
    images = ImageFiles([f"s/{path}" for path in paths], paths, root, folders, "data.sources.s.images")
    return pack_images(images, array, geometry, workers)


@pytest.fixture
def array(tmp_path):
    return tmp_path / "s-24.npy"


def open_indexed(index, array):
    packed = index.dropna(subset="row")
    return open_array(array, packed["row"].to_numpy(int), packed["digest"])


@pytest.fixture
def decoded(monkeypatch):
    """The files decoded so far."""
    files = []

    def spy(path, geometry):
        files.append(os.path.basename(path))
        return decode(path, geometry)

    monkeypatch.setattr(packing, "decode", spy)
    return files


def test_rows_are_the_decoded_images_in_order(root, tmp_path):
    array = tmp_path / "store" / "s-24.npy"
    index = pack(root, array)
    pixels = np.load(array, mmap_mode="r")
    assert pixels.dtype == np.uint8 and pixels.shape == (100, SIZE, SIZE)
    for number, path in enumerate(PATHS):
        expected = np.zeros((SIZE, SIZE)) if number in (7, 9) else decode(root / path, SQUASH)
        np.testing.assert_array_equal(pixels[number], expected)
    assert index.columns.tolist() == ["image_id", "row", "reason", "digest"]
    assert index["image_id"].tolist() == [f"s/{path}" for path in PATHS]
    assert index["row"].dtype == "Int64"
    assert index.loc[[7, 9], "reason"].tolist() == ["truncated", "file not found"]
    assert index["reason"].notna().sum() == 2
    packed = index["row"].notna()
    assert packed.sum() == 98 and (index["row"] == index.index)[packed].all()
    opened = open_indexed(index, array)
    assert isinstance(opened, np.memmap) and not opened.flags.writeable
    np.testing.assert_array_equal(opened, pixels)


def test_digest_is_a_hash_of_the_packed_pixels_and_two_workers_write_the_same_bytes_as_one(root, tmp_path):
    (root / PATHS[3]).write_bytes((root / PATHS[4]).read_bytes())  # the same picture under two names
    for number, shade in ((5, 0), (6, 77)):
        Image.fromarray(np.full((40, 40), shade, np.uint8)).save(root / PATHS[number])
    one, two = (pack(root, tmp_path / f"{n}/s-24.npy", workers=n) for n in (1, 2))
    assert one.equals(two)
    for name in ("s-24.npy", "s-24.record.parquet"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    digests, pixels = one["digest"], np.load(tmp_path / "1/s-24.npy")
    assert digests[digests.isna()].index.tolist() == [7, 9]  # rejected
    assert digests[[5, 6]].tolist() == ["shade 0", "shade 77"]
    for row in digests.dropna().index.drop([5, 6]):
        assert digests[row] == hashlib.blake2b(pixels[row].tobytes(), digest_size=8).hexdigest()
    assert digests[3] == digests[4] and digests.nunique() == 97
    assert pictures(digests).dropna().index.tolist() == digests.dropna().index.drop([5, 6]).tolist()


def test_one_shade_that_becomes_another_is_another_image(root, array):
    for shade in (77, 78):
        Image.fromarray(np.full((40, 40), shade, np.uint8)).save(root / PATHS[5])
        index = pack(root, array)
        assert index["digest"][5] == f"shade {shade}" and (np.load(array)[5] == shade).all()
    with array.open("r+b") as file:  # now on disk, behind the record's back
        file.seek(-95 * SIZE**2, os.SEEK_END)
        file.write(bytes([0]) * SIZE**2)
    assert (np.load(array)[5] == 0).all()
    assert pack(root, array).equals(index) and (np.load(array)[5] == 78).all()


def test_second_run_decodes_only_rejected_images_even_if_a_file_is_gone(root, array, decoded):
    first, before = pack(root, array), array.read_bytes()
    decoded.clear()
    assert pack(root, array).equals(first)
    assert decoded == ["7.png", "9.png"]
    (root / PATHS[50]).unlink()
    assert pack(root, array).equals(first) and array.read_bytes() == before


def test_changed_image_is_packed_again_and_one_that_broke_leaves_zeros(root, array, decoded):
    pack(root, array)
    decoded.clear()
    draw(root / PATHS[50], 1000)
    draw(root / PATHS[9], 1001)
    (root / PATHS[60]).write_text("no image")
    index = pack(root, array)
    assert decoded == ["7.png", "9.png", "50.png", "60.png"]
    assert index["row"][9] == 9
    for number in (9, 50):
        np.testing.assert_array_equal(np.load(array)[number], decode(root / PATHS[number], SQUASH))
    assert index["reason"][60] == "not a JPEG, PNG or DICOM image" and not np.load(array)[60].any()
    assert index.loc[60, ["row", "digest"]].isna().all()


def test_changed_list_reuses_rows(root, tmp_path, decoded):
    array, fresh = tmp_path / "s-24.npy", tmp_path / "fresh" / "s-24.npy"
    pack(root, array, range(60))
    decoded.clear()
    numbers = [80, *range(50, 5, -1), 99]
    index = pack(root, array, numbers)
    assert decoded == ["80.png", "9.png", "7.png", "99.png"]
    assert index.equals(pack(root, fresh, numbers))
    assert array.read_bytes() == fresh.read_bytes()
    assert {path.name for path in tmp_path.glob("*s-24*")} == {"s-24.npy", "s-24.record.parquet"}


@pytest.mark.parametrize("change", ["root", "decoder", "size", "fit"])
def test_other_settings_pack_anew(root, array, tmp_path, decoded, monkeypatch, change):
    pack(root, array)
    decoded.clear()
    if change == "root":
        root = root.rename(tmp_path / "other")
    if change == "decoder":
        monkeypatch.setattr(pack_record, "decoder", lambda: "another")
    geometry = Geometry(SIZE + (change == "size"), "crop" if change == "fit" else "squash")
    pack(root, array, geometry=geometry)
    assert len(decoded) == 100


def contents(array):
    return {path.name: path.read_bytes() for path in array.parent.glob("s-24*")}


@pytest.mark.parametrize(
    ("gone", "line"),
    [
        (
            range(100),
            r": 98 of 98 images that .*npy holds, packed by another decoder \(code .*\), are not in",
        ),
        (
            [50],
            r": 1 of 98 images .* are not in .*images, the first is s/p2/50\.png; expected all, .* removed$",
        ),
    ],
)
def test_what_another_decoder_packed_is_not_lost_with_its_files(root, array, monkeypatch, gone, line):
    pack(root, array)
    before = contents(array)
    for number in gone:
        (root / PATHS[number]).unlink(missing_ok=True)
    monkeypatch.setattr(pack_record, "decoder", lambda: "another")
    with pytest.raises(StudyError, match=line):
        pack(root, array)
    assert contents(array) == before and read_decoder(array) == decoder()
    for number in gone:
        draw(root / PATHS[number], number)
    pack(root, array)
    assert read_decoder(array) == "another"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("place", "what"), [("imagse", r"imagse: no such folder"), (".", r"none of 100 images is in .*")]
)
def test_a_misspelt_folder_is_one_line_and_touches_nothing(root, array, packed, place, what):
    if packed:
        pack(root, array)
    before = contents(array)
    with pytest.raises(
        StudyError, match=rf"^data\.sources\.s\.images: .*{what}, and .*s-24\.npy holds nothing"
    ):
        pack(root.parent / place, array)
    assert contents(array) == before


def test_what_is_packed_needs_no_folder(root, array, tmp_path):
    index, before = pack(root, array), array.read_bytes()
    root.rename(tmp_path / "away")
    again = pack(root, array)
    assert again["digest"].equals(index["digest"]) and array.read_bytes() == before


def test_foreign_array_or_torn_record_is_not_reused(root, tmp_path, decoded):
    array, record = tmp_path / "s-24.npy", tmp_path / "s-24.record.parquet"
    pack(root, array)
    good = array.read_bytes()
    for damage in (
        lambda: np.save(array, np.ones((100, SIZE, SIZE), np.uint8)),
        lambda: np.save(array, np.ones(3)),
        lambda: array.write_bytes(b""),
        array.unlink,
        lambda: record.write_bytes(b"PAR1"),
        lambda: record.write_bytes(b"\0" * 200 + record.read_bytes()[200:]),
        lambda: write_parquet(record, read_parquet(tmp_path / "x")),
    ):
        write_parquet(tmp_path / "x", pack(root, array))
        decoded.clear()
        damage()
        pack(root, array)
        assert len(decoded) == 100
        assert array.read_bytes() == good


def test_a_row_that_changed_on_disk_is_packed_again(root, array, decoded, capsys):
    first, good = pack(root, array), array.read_bytes()
    pixels = np.lib.format.open_memmap(array, mode="r+")
    pixels[50, 3, 3] ^= 1
    pixels[60] = 0
    pixels.flush()
    decoded.clear()
    capsys.readouterr()
    assert pack(root, array).equals(first)
    assert decoded == ["7.png", "9.png", "50.png", "60.png"]
    assert capsys.readouterr().out == f"{array}: 2 rows are not what was packed, packing them again\n"
    assert array.read_bytes() == good
    pixels[50, 3, 3] ^= 1
    pixels.flush()
    (root / PATHS[50]).unlink()  # then there is nothing to pack it from
    assert pack(root, array).loc[50, "reason"] == "file not found"


SLOW_RUN = """
import sys, time
from pathlib import Path
from cxrlt_core.packing import pack as packing
from cxrlt_core.packing.decode import Geometry, decode
from cxrlt_core.packing.files import ImageFiles
from cxrlt_core.system.processes import end_at_signals

def slow(path, geometry):
    time.sleep(0.01)
    return decode(path, geometry)

end_at_signals()
packing.decode, packing.CHUNK, packing.RECORD_SECONDS = slow, 4, 0.0
root, array = map(Path, sys.argv[1:3])
paths = [f"p{number % 3}/{number}.png" for number in range(100)]
images = ImageFiles([f"s/{p}" for p in paths], paths, root, ("",))
packing.pack_images(images, array, Geometry(24, "squash"), int(sys.argv[3]))
"""


def recorded(array):
    record = array.with_suffix(".record.parquet")
    if not record.exists():
        return 0
    content = BytesIO(record.read_bytes())  # at once, since a running pack replaces the file
    return pd.read_parquet(content)["stamp"].notna().sum()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_a_run_that_was_ended_goes_on_to_the_same_bytes(
    root, array, tmp_path, decoded, workers, number, code
):
    whole, command = tmp_path / "whole" / "s-24.npy", [sys.executable, "-c", SLOW_RUN]
    streams = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    run = subprocess.Popen([*command, root, array, str(workers)], cwd=REPOSITORY, **streams)
    while recorded(array) < 12:
        assert run.poll() is None
        time.sleep(0.005)
    run.send_signal(number)
    _, errors = run.communicate(timeout=10)  # the pipe closes when the last worker has ended
    assert run.returncode == code and errors == b""
    survived = recorded(array)
    assert 12 <= survived < 98
    write_parquet(tmp_path / "s.parquet", pack(root, array, workers=1))
    assert len(decoded) == 100 - survived
    write_parquet(tmp_path / "whole.parquet", pack(root, whole))
    assert array.read_bytes() == whole.read_bytes()
    assert (tmp_path / "s.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_kill_while_rows_move_mixes_up_no_images(root, array, monkeypatch):
    pack(root, array)
    good = array.read_bytes()
    swapped = [*range(50), 51, 50, *range(52, 100)]
    with monkeypatch.context() as patch:
        patch.setattr(pack_record.PackRecord, "save", lambda record: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pack(root, array, swapped)
    pack(root, array)
    assert array.read_bytes() == good


def test_is_packed_once_every_image_has_its_row(root, tmp_path):
    array, good = tmp_path / "s-24.npy", [number for number in range(100) if number not in (7, 9)]

    def asked(numbers, geometry=SQUASH):
        return pack_record.is_packed(array, [f"s/{PATHS[n]}" for n in numbers], root, geometry)

    assert not asked(good)
    pack(root, array, good)
    assert asked(good)
    assert not asked(good[1:]) and not asked(good, Geometry(SIZE + 1, "squash"))
    assert not asked(good, Geometry(SIZE, "pad"))
    pack(root, array)
    assert not asked(range(100))  # two were rejected


def test_failing_run_keeps_what_it_packed(root, array, monkeypatch, decoded):

    def interrupt(path, geometry):
        if path.endswith("70.png"):
            os.kill(os.getpid(), signal.SIGTERM)
        return decode(path, geometry)

    with monkeypatch.context() as patch:
        patch.setattr(packing, "decode", interrupt)
        with pytest.raises(Stopped) as stopped:
            pack(root, array)
    assert (stopped.value.code, stopped.value.saved) == (143, "94 of 100 images are packed")
    pack(root, array)
    assert len(decoded) == 100 - 96 + 2


def test_array_is_flushed_before_the_record_names_its_rows(root, tmp_path, monkeypatch):
    calls = []

    def note(module, name, call):
        plain = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *values: (calls.append(call(*values)), plain(*values)))

    note(os, "fsync", lambda file: Path(os.readlink(f"/proc/self/fd/{file}")).name)
    note(pack_record, "write_parquet", lambda path, *_: path.name)
    monkeypatch.setattr(packing, "RECORD_SECONDS", 0.0)
    array = tmp_path / "store" / "s-24.npy"
    pack(root, array)
    assert calls == ["store"] + ["s-24.npy", "s-24.record.parquet"] * (len(calls) // 2) and len(calls) >= 9


def test_dead_worker_is_one_line(root, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "decode", lambda *_: os._exit(1))
    with pytest.raises(StudyError, match="process died"):
        pack(root, tmp_path / "s-24.npy", workers=2)


def test_a_store_that_cannot_be_made_or_is_full_is_one_line(root, array, tmp_path, monkeypatch):
    with pytest.raises(StudyError, match=r"7\.png: (File exists|Not a directory)"):
        pack(root, root / PATHS[7] / "s-24.npy")
    monkeypatch.setattr(pack_record.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(StudyError, match=r"s-24\.npy: needs 0\.0 GB, 0\.0 GB are free"):
        pack(root, array)
    assert not list(tmp_path.glob("*s-24*"))


def test_no_images_make_an_empty_array(root, array):
    index = pack(root, array, [])
    assert len(index) == len(open_indexed(index, array)) == 0 and np.load(array).shape == (0, SIZE, SIZE)


def test_an_array_that_is_foreign_or_not_what_its_record_says_is_refused(root, tmp_path):
    array = tmp_path / "my-s-24-pad.npy"
    index = pack(root, array)
    good = np.load(array)
    message = r"my-s-24-pad\.npy: not the array that its index describes.*--force pack@my-s$"
    sampled = good.copy()
    sampled[99, 0, 0] ^= 1  # a row of the sample
    shapes = (good[:50], good.astype(np.int16), good.ravel(), np.asfortranarray(good))
    for foreign in (255 - good, sampled, *shapes):
        np.save(array, foreign)
        with pytest.raises(StudyError, match=message):
            open_indexed(index, array)
    array.write_text("no array")
    with pytest.raises(StudyError, match=message):
        open_indexed(index, array)
    np.save(array, good)
    assert len(open_indexed(index, array)) == 100
    (tmp_path / "my-s-24-pad.record.parquet").unlink()
    with pytest.raises(StudyError, match=message):
        open_indexed(index, array)
    array.unlink()
    for rows in (index, index[:0]):
        with pytest.raises(StudyError, match=r"my-s-24-pad\.npy: no such file"):
            open_indexed(rows, array)


@pytest.mark.parametrize("number", [0, 1, 50, 98])
def test_an_array_with_one_other_image_is_refused(root, array, monkeypatch, number):
    """Its record tells, whichever image it is; of the pixels a sample is read."""
    monkeypatch.setattr(packed_array, "SAMPLE_ROWS", 2)
    before = pack(root, array)
    draw(root / PATHS[number], 1000)
    after = pack(root, array)
    assert len(open_indexed(after, array)) == 100
    with pytest.raises(StudyError, match="not the array that its index describes"):
        open_indexed(before, array)
    assert len(open_indexed(before.drop(index=number), array)) == 100  # a set without it is as it was


def test_a_row_that_is_written_anew_is_in_no_record_meanwhile(root, array, monkeypatch):
    """A kill after it leaves no record of pixels that are gone."""
    index = pack(root, array)
    draw(root / PATHS[5], 1000)
    with monkeypatch.context() as patch:
        patch.setattr(packing, "decode", lambda *_: 1 / 0)  # before it has a new one
        with pytest.raises(ZeroDivisionError):
            pack(root, array)
    with pytest.raises(StudyError, match="not the array that its index describes"):
        open_indexed(index, array)
    assert open_indexed(pack(root, array), array) is not None


def test_rejects_are_counted_by_reason_and_named(root, tmp_path, capsys):
    (root / PATHS[20]).unlink()
    index, listed = pack(root, tmp_path / "s-24.npy"), tmp_path / "s-24.rejects.csv"
    names = {number: f"s/{PATHS[number]}" for number in (7, 9, 20)}
    reasons = f"2 × file not found ({names[9]}), 1 × truncated ({names[7]}); all are in {listed}"
    check_rejects(index, 0.03, "data.sources.s.images", listed)
    assert capsys.readouterr().out == f"data.sources.s.images: 3 of 100 images rejected: {reasons}\n"
    listed.unlink()
    with pytest.raises(StudyError) as refusal:
        check_rejects(index, 0.01, "data.sources.s.images", listed)
    start = "data.sources.s.images: 3 of 100 images rejected, more than image.max_rejects 0.01: "
    assert str(refusal.value) == start + reasons
    lines = [f"{names[7]},truncated", f"{names[9]},file not found", f"{names[20]},file not found"]
    assert listed.read_text().splitlines() == ["image_id,reason", *lines]
    check_rejects(index.dropna(subset="row"), 0, "", listed)
    assert not listed.exists() and capsys.readouterr().out == ""


def test_stage_writes_array_and_index(tmp_path, monkeypatch):
    from stages.pack import main

    monkeypatch.chdir(tmp_path)
    for number in range(4):
        draw(Path(f"raw/images_00{number}/images/{number}.png"), number)
    names = [f"{number}.png" for number in range(5)]
    images = {"image_id": [f"nih/{name}" for name in names], "path": names}
    write_parquet("data/watched/nih.parquet", pd.DataFrame(images))

    image = SimpleNamespace(size=32, fit="squash", store="arrays", max_rejects=0.1)
    data = SimpleNamespace(sources={"nih": SimpleNamespace(images="raw", reader="nih")}, external={})
    params = SimpleNamespace(image=image, data=data, demo=SimpleNamespace(sources=[]), variants={})
    with pytest.raises(StudyError, match=r"data\.sources\.nih\.images: 1 of 5 .*1 × file not found"):
        main(params, "nih")
    assert not Path("data/packed/nih.parquet").exists()
    image.max_rejects = 0.2
    main(params, "nih")
    index = read_parquet("data/packed/nih.parquet")
    assert open_indexed(index, Path("arrays/nih-32-squash.npy")).shape == (5, 32, 32)
