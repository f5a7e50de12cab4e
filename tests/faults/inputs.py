"""Bad input: a corpus of what people and disks hand over, each with its exit code and what the one line says."""

from __future__ import annotations

import gzip
import io
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from tests.run_commands import made_set
from xaitui.config.toml import from_toml
from xaitui.data.idx import read_idx
from xaitui.data.npz import array_names, read_array, read_headers
from xaitui.data.picture import decode
from xaitui.errors import XaituiError

Case = tuple[list[str], int, str]
"""Words, which follow those of a short training where they begin with an option; exit code; part of the line."""

CASES: dict[str, Case] = {
    "misspelt command": (["trian"], 2, "train"),
    "misspelt option": (["train", "--epoch", "3"], 2, "--epochs"),
    "misspelt dataset": (["--dataset", "pathmnst"], 2, "pathmnist"),
    "misspelt model": (["--model", "resnet81"], 2, "resnet18"),
    "misspelt optimizer": (["--optimizer", "adm"], 2, "adam"),
    "misspelt preset": (["--preset", "report-minst"], 2, "report-mnist"),
    "misspelt metric": (["--monitor", "acuracy"], 2, "accuracy"),
    "rate below its range": (["--lr", "-1"], 2, "above 0"),
    "negative batch": (["--batch-size", "-1"], 2, "from 0 to 65536"),
    "no number": (["--epochs", "many"], 2, "whole number"),
    "infinite rate": (["--lr", "inf"], 2, "number"),
    "setting of another kind": (["--optimizer", "adam", "--momentum", "0.5"], 2, "does not apply to adam"),
    "name that climbs": (["--name", "../up"], 2, "cannot name a folder"),
    "name with escapes": (["--name", "a\x1b[31mb"], 2, "control characters"),
    "no such device": (["--device", "cuda:99"], 2, "--device"),
    "no device": (["--device", "gpu"], 2, "is not a device"),
    "duration": (["--max-time", "soon"], 2, "7h50m"),
    "missing data": (["--dataset", "pathmnist"], 3, "xaitui data get pathmnist"),
    "size that a set lacks": (["--dataset", "pathmnist", "--size", "99"], 2, "28"),
    "volumes": (["--dataset", "organmnist3d"], 2, "3D"),
    "missing npz": (["--dataset", "nothing.npz"], 3, "nothing.npz"),
    "missing folder": (["--dataset", "nothing/"], 3, "nothing"),
    "missing file of settings": (["--config", "nothing.toml"], 2, "nothing.toml"),
    "no TOML": (["--config", "broken.toml"], 2, "no TOML"),
    "misspelt key": (["--config", "misspelt.toml"], 2, "batch_size"),
    "newer schema": (["--config", "newer.toml"], 2, "update xaitui"),
    "small images for alexnet": (["--model", "alexnet"], 2, "--image-size"),
    "mirrored digits": (["--hflip"], 2, "hflip does not suit digits"),
    "colour for grey": (["--stain-jitter", "0.2"], 2, "3 channels"),
    "model file that is missing": (["--model", "nothing.py:build"], 2, "nothing.py"),
    "model file that fails": (["--model", "fails.py:build"], 2, "fails.py"),
    "model function that is missing": (["--model", "model.py:bild"], 2, "build"),
    "weights that are missing": (
        ["--model", "xception", "--image-size", "32", "--weights", "nothing.pth"],
        3,
        "nothing",
    ),
    "weights that are a web page": (["--model", "resnet18", "--weights", "page.pth"], 3, "page.pth"),
    "weights with code": (["--model", "resnet18", "--weights", "code.pth"], 3, "code.pth"),
    "weights of another model": (["--model", "resnet18", "--weights", "other.pth"], 3, "other.pth"),
    "text for data": (["--dataset", "text.npz"], 3, "text.npz"),
    "truncated data": (["--dataset", "short.npz"], 3, "short.npz"),
    "objects in data": (["--dataset", "objects.npz"], 3, "objects.npz"),
    "labels outside the classes": (["--dataset", "labels.npz"], 3, "labels.npz"),
    "images and labels that do not match": (["--dataset", "count.npz"], 3, "count.npz"),
    "no images": (["--dataset", "empty.npz"], 3, "empty.npz"),
    "images without pixels": (["--dataset", "pixels.npz"], 3, "pixels.npz"),
    "half precision on the processor": (["--precision", "float16", "--device", "cpu"], 2, "bfloat16"),
    "unknown variable": (["VARIABLE"], 2, "XAITUI_BATCHSIZE"),
    "no run": (["resume", "nothing"], 2, "no runs"),
    "nothing to show": (["runs", "show", "last"], 2, "no runs"),
    "nothing to stop": (["stop"], 2, "no runs"),
    "set to fetch": (["data", "get", "pathmnst"], 2, "pathmnist"),
    # options
    "no epochs": (["--epochs", "0"], 2, "from 1"),
    "negative seed": (["--seed", "-1"], 2, "from 0"),
    "rate that is nan": (["--lr", "nan"], 2, "number"),
    "gigantic number": (["--epochs", "9" * 5000], 2, "--epochs"),
    "gigantic image": (["--image-size", "100000"], 2, "--image-size"),
    "no data at all": (["--fraction", "0"], 2, "--fraction"),
    "more than all data": (["--fraction", "1.5"], 2, "--fraction"),
    "label smoothing above 1": (["--label-smoothing", "1.5"], 2, "--label-smoothing"),
    "average that keeps all": (["--ema-decay", "1.5"], 2, "--ema-decay"),
    "misspelt schedule": (["--schedule", "cosin"], 2, "cosine"),
    "misspelt choice": (["--keep", "everything"], 2, "best"),
    "empty dataset": (["--dataset", ""], 2, "unknown dataset"),
    "dataset with a NUL": (["--dataset", "a\0b.npz"], 2, "NUL"),
    "name that is a path": (["--name", "/etc/passwd"], 2, "cannot name a folder"),
    "very long name": (["--name", "n" * 5000], 2, "--name"),
    "folder for an option": (["--config", "pictures"], 2, "pictures"),
    "one run to compare": (["compare", "one"], 2, "no runs"),
    "nothing to evaluate": (["evaluate", "last"], 2, "no runs"),
    "nothing to explain": (["explain", "last"], 2, "no runs"),
    "nothing to predict with": (["predict", "last", "picture.png"], 2, "no runs"),
    "nothing to export": (["export", "last", "--to", "onnx"], 2, "no runs"),
    "nothing to verify": (["verify", "last"], 2, "no runs"),
    "nothing to report": (["report", "last"], 2, "no runs"),
    "nothing to remove": (["runs", "rm", "last", "--yes"], 2, "no runs"),
    "nothing to pause": (["pause", "last"], 2, "no runs"),
    "model that is not there": (["models", "show", "resnet81"], 2, "resnet18"),
    "import of another file": (["data", "get", "mnist", "--from", "text.npz"], 2, "--from"),
    "set to verify": (["data", "verify", "pathmnst"], 2, "pathmnist"),
    "unknown experiment": (["reproduce", "table9"], 2, "table1"),
    "filter that is none": (["runs", "ls", "--filter", "val_acc>much"], 2, "val_acc"),
    "order that is none": (["runs", "ls", "--sort", "colour"], 2, "sorted"),
    # studies
    "nothing to vary": (["sweep", "--dataset", "good.npz"], 2, "--vary"),
    "vary without values": (["sweep", "--dataset", "good.npz", "--vary", "lr="], 2, "lr"),
    "vary what is not there": (["sweep", "--dataset", "good.npz", "--vary", "rl=1,2"], 2, "lr"),
    "vary what is out of range": (["sweep", "--dataset", "good.npz", "--vary", "lr=-1,2"], 2, "above 0"),
    "vary the other way round": (["sweep", "--dataset", "good.npz", "--vary", "lr=1..0.1:log"], 2, "lr"),
    "unknown sampler": (["sweep", "--dataset", "good.npz", "--vary", "lr=0.1", "--sampler", "gird"], 2, "grid"),
    "unknown objective": (
        ["sweep", "--dataset", "good.npz", "--vary", "lr=0.1", "--objective", "acuracy"],
        2,
        "accuracy",
    ),
    "toggle that is none": (["ablate", "--dataset", "good.npz", "--toggle", "model.name"], 2, "model.name"),
    "study file that is missing": (["sweep", "-c", "nothing.toml"], 2, "nothing.toml"),
    "study file that is none": (["sweep", "-c", "broken.toml"], 2, "broken.toml"),
    "study file with a wrong key": (["sweep", "-c", "misspelt.toml"], 2, "misspelt.toml"),
    "study that is not there": (["sweep", "status", "nothing"], 2, "no studies"),
    # files of settings
    "settings of a wrong type": (["--config", "type.toml"], 2, "batch_size"),
    "settings that are bytes": (["--config", "bytes.toml"], 2, "bytes.toml"),
    "settings that are deep": (["--config", "deep.toml"], 2, "deep.toml"),
    "settings with a gigantic number": (["--config", "number.toml"], 2, "number.toml"),
    "settings with a key twice": (["--config", "twice.toml"], 2, "twice.toml"),
    "settings with a date": (["--config", "date.toml"], 2, "batch_size"),
    "settings with a table for a value": (["--config", "table.toml"], 2, "batch_size"),
    "settings that climb": (["--config", "climbs.toml"], 2, "cannot name a folder"),
    # arrays
    "float images": (["--dataset", "floats.npz"], 3, "floats.npz"),
    "labels that are no numbers": (["--dataset", "names.npz"], 3, "names.npz"),
    "negative labels": (["--dataset", "negative.npz"], 3, "negative.npz"),
    "labels that are nan": (["--dataset", "nan.npz"], 3, "nan.npz"),
    "images of five channels": (["--dataset", "channels.npz"], 3, "channels.npz"),
    "flat images": (["--dataset", "flat.npz"], 3, "flat.npz"),
    "splits of several sizes": (["--dataset", "sizes.npz"], 3, "sizes.npz"),
    "no split for training": (["--dataset", "no-train.npz"], 3, "no-train.npz"),
    "no labels": (["--dataset", "no-labels.npz"], 3, "no-labels.npz"),
    "one class": (["--dataset", "one-class.npz"], 3, "one-class.npz"),
    "a header that claims a terabyte": (["--dataset", "claims.npz"], 3, "claims.npz"),
    "a header that is code": (["--dataset", "header.npz"], 3, "header.npz"),
    "an archive that expands hugely": (["--dataset", "bomb.npz"], 3, "bomb.npz"),
    "an archive that climbs": (["--dataset", "climbs.npz"], 3, "climbs.npz"),
    "an archive with a password": (["--dataset", "locked.npz"], 3, "locked.npz"),
    "an archive with a wrong checksum": (["--dataset", "checksum.npz"], 3, "checksum.npz"),
    "an empty file": (["--dataset", "nothing-in.npz"], 3, "nothing-in.npz"),
    "a folder called npz": (["--dataset", "folder.npz"], 3, "folder.npz"),
    # MNIST's files
    "digits of a wrong kind": (["--dataset", "mnist", "--data-dir", "idx-magic"], 3, "idx-magic"),
    "digits that are cut": (["--dataset", "mnist", "--data-dir", "idx-cut"], 3, "idx-cut"),
    "digits whose count lies": (["--dataset", "mnist", "--data-dir", "idx-count"], 3, "idx-count"),
    "digits that expand hugely": (["--dataset", "mnist", "--data-dir", "idx-bomb"], 3, "idx-bomb"),
    "digits that are no gzip": (["--dataset", "mnist", "--data-dir", "idx-text"], 3, "idx-text"),
    # pictures
    "no pictures": (["--dataset", "empty/"], 3, "empty"),
    "one class of pictures": (["--dataset", "one-class/"], 3, "one-class"),
    "a picture of no bytes": (["--dataset", "zero/"], 3, "0.png"),
    "a picture that is cut": (["--dataset", "cut/"], 3, "0.png"),
    "a picture that is text": (["--dataset", "text/"], 3, "0.png"),
    "a picture that is gigantic": (["--dataset", "gigantic/"], 3, "0.png"),
    "a picture whose bytes are broken": (["--dataset", "broken/"], 3, "0.png"),
    "a picture that is a folder of itself": (["--dataset", "loop/"], 3, "loop"),
    # weights and models
    "weights of no bytes": (["--model", "resnet18", "--weights", "zero.pth"], 3, "zero.pth"),
    "weights that are a folder": (["--model", "resnet18", "--weights", "pictures"], 3, "pictures"),
    "weights that are cut": (["--model", "resnet18", "--weights", "cut.pth"], 3, "cut.pth"),
    "weights that are a list": (["--model", "resnet18", "--weights", "list.pth"], 3, "list.pth"),
    "weights that are another archive": (["--model", "resnet18", "--weights", "climbs.npz"], 3, "climbs.npz"),
    "model file that cannot be parsed": (["--model", "syntax.py:build"], 2, "syntax.py"),
    "model file that leaves": (["--model", "leaves.py:build"], 2, "leaves.py"),
    "model file that calls itself": (["--model", "endless.py:build"], 2, "endless.py"),
    "model that is no module": (["--model", "model.py:build"], 2, "model.py"),
    "model of another output": (["--model", "output.py:build"], 2, "output.py"),
    "model without weights": (["--model", "empty.py:build"], 2, "empty.py"),
}
"""What goes in, the exit code, and what the line says."""


class Code:
    """An object that executes something when it is read without care."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("executed",))


# -- the files


def make_inputs(folder: Path) -> None:
    """Write everything that the corpus names into an empty folder."""
    good = made_set(folder / "good.npz")
    _settings(folder)
    _arrays(folder, good)
    _idx(folder)
    _pictures(folder)
    _models(folder)


def _settings(folder: Path) -> None:
    texts = {
        "broken": "[training\n",
        "misspelt": "[training]\nbatchsize = 3\n",
        "newer": "schema = 2\n",
        "type": "[training]\nbatch_size = 'many'\n",
        "deep": "a = " + "[" * 100_000,
        "number": "[training]\nepochs = " + "9" * 5000,
        "twice": "[training]\nepochs = 1\nepochs = 2\n",
        "date": "[training]\nbatch_size = 2026-01-01\n",
        "table": "[training.batch_size]\na = 1\n",
        "climbs": "[run]\nname = '../../up'\n",
    }
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text)
    (folder / "bytes.toml").write_bytes(bytes(range(256)))


def _arrays(folder: Path, good: Path) -> None:
    with np.load(good) as arrays:
        rows: dict[str, NDArray[Any]] = dict(arrays)
    changes: dict[str, dict[str, NDArray[Any]]] = {
        "objects": {"train_images": np.array([Code()], dtype=object)},
        "labels": {"val_labels": rows["val_labels"] + 7},
        "count": {"train_labels": rows["train_labels"][:-1]},
        "empty": {"train_images": rows["train_images"][:0], "train_labels": rows["train_labels"][:0]},
        "pixels": {"train_images": rows["train_images"][:, :0, :0]},
        "floats": {"train_images": rows["train_images"] / 255},
        "names": {"train_labels": rows["train_labels"].astype(str)},
        "negative": {"train_labels": rows["train_labels"].astype(np.int64) - 1},
        "nan": {"train_labels": np.full(rows["train_labels"].shape, np.nan)},
        "channels": {name: np.repeat(rows[name][..., None], 5, axis=-1) for name in rows if name.endswith("images")},
        "flat": {"train_images": rows["train_images"].reshape(len(rows["train_images"]), -1)},
        "sizes": {"val_images": rows["val_images"][:, :4, :4]},
        "one-class": {name: rows[name] * 0 for name in rows if name.endswith("labels")},
    }
    for name, change in changes.items():
        np.savez(folder / f"{name}.npz", **{**rows, **change})  # type: ignore[arg-type]
    for name, lost in {"no-train": "train_images", "no-labels": "train_labels"}.items():
        kept = {key: value for key, value in rows.items() if key != lost}
        np.savez(folder / f"{name}.npz", **kept)  # type: ignore[arg-type]
    (folder / "text.npz").write_text("these are words")
    (folder / "short.npz").write_bytes(good.read_bytes()[:-400])
    (folder / "nothing-in.npz").touch()
    (folder / "folder.npz").mkdir()
    _archives(folder, good, rows)


def _archives(folder: Path, good: Path, rows: dict[str, NDArray[Any]]) -> None:
    content = {f"{name}.npy": _npy(rows[name]) for name in rows}
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000, 1000), }"
    code = b"{'descr': '|u1', 'fortran_order': False, 'shape': (print('executed'),), }"
    for name, text in {"claims": header, "header": code}.items():
        text = text.ljust(117) + b"\n"
        member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
        _zip(folder / f"{name}.npz", content | {"train_images.npy": member})
    bomb = content["train_images.npy"] + bytes(200_000_000)
    _zip(folder / "bomb.npz", content | {"train_images.npy": bomb}, zipfile.ZIP_DEFLATED)
    _zip(folder / "climbs.npz", {f"../../{name}": member for name, member in content.items()})
    data = bytearray(good.read_bytes())
    with zipfile.ZipFile(good) as archive:
        places = [info.header_offset for info in archive.infolist()]
    start = data.find(b"PK\x01\x02")
    data[places[0] + 200] ^= 1
    (folder / "checksum.npz").write_bytes(data)
    locked = bytearray(good.read_bytes())
    for place in places:
        locked[place + 6] |= 1
    while start >= 0:
        locked[start + 8] |= 1
        start = locked.find(b"PK\x01\x02", start + 4)
    (folder / "locked.npz").write_bytes(locked)


def _npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _zip(path: Path, content: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, member in content.items():
            archive.writestr(name, member)


def _idx(folder: Path) -> None:
    images = struct.pack(">IIII", 0x803, 60_000, 28, 28)
    whole = images + bytes(60_000 * 28 * 28)
    contents = {
        "magic": gzip.compress(b"\1\2\3\4" + whole[4:], 1),
        "cut": gzip.compress(whole, 1)[:-1000],
        "count": gzip.compress(struct.pack(">IIII", 0x803, 2**31, 28, 28) + bytes(784), 1),
        "bomb": gzip.compress(whole + bytes(200_000_000), 1),
        "text": b"down for maintenance",
    }
    for name, content in contents.items():
        place = folder / f"idx-{name}"
        place.mkdir()
        for split in ("train", "t10k"):
            (place / f"{split}-images-idx3-ubyte.gz").write_bytes(content)
            labels = struct.pack(">II", 0x801, 60_000) + bytes(60_000)
            (place / f"{split}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels, 1))


def _pictures(folder: Path) -> None:
    file = io.BytesIO()
    Image.effect_noise((32, 32), 50).save(file, "png")
    png = file.getvalue()
    broken = bytearray(png)
    broken[60:200] = bytes(140)
    pictures = {
        "zero": b"",
        "cut": png[:100],
        "text": b"a picture of a cat",
        "gigantic": _claiming(60_000, 60_000),
        "broken": bytes(broken),
    }
    for name, content in pictures.items():
        for label in ("cat", "dog"):
            place = folder / name / label
            place.mkdir(parents=True)
            (place / "0.png").write_bytes(content if label == "cat" else png)
            (place / "1.png").write_bytes(png)
    (folder / "pictures").mkdir()
    (folder / "empty" / "cat").mkdir(parents=True)
    (folder / "one-class" / "cat").mkdir(parents=True)
    (folder / "one-class" / "cat" / "0.png").write_bytes(png)
    (folder / "loop").mkdir()
    (folder / "loop" / "cat").symlink_to(folder / "loop")


def _claiming(width: int, height: int) -> bytes:
    """The beginning of a PNG that says to be so large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    chunks = (struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in (head, data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _models(folder: Path) -> None:
    sources = {
        "fails": "def build(a, b, c):\n    raise ValueError('no')\n",
        "model": "def build(a, b, c):\n    return None\n",
        "syntax": "def build(:\n",
        "leaves": "import sys\nsys.exit(0)\n",
        "endless": "def build(a, b, c):\n    return build(a, b, c)\n",
        "output": "import torch\ndef build(a, b, c):\n    return torch.nn.Sequential(torch.nn.Flatten(), "
        "torch.nn.LazyLinear(17))\n",
        "empty": "import torch\ndef build(a, b, c):\n    return torch.nn.Flatten()\n",
    }
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "page.pth").write_text("<html>down for maintenance</html>")
    (folder / "code.pth").write_bytes(pickle.dumps(Code()))
    torch.save({"conv.weight": torch.zeros(1, 1, 3, 3)}, folder / "other.pth")
    torch.save([1, 2, 3], folder / "list.pth")
    (folder / "cut.pth").write_bytes((folder / "other.pth").read_bytes()[:-200])
    (folder / "zero.pth").touch()


# -- the long version


def one_round(seed: int, folder: Path) -> None:
    """A hundred damaged files: each gives its content or one known error."""
    draw = random.Random(seed)
    made_set(folder / "set.npz")
    Image.effect_noise((32, 32), 50).save(folder / "picture.png")
    (folder / "digits").write_bytes(struct.pack(">IIII", 0x803, 5, 4, 4) + bytes(80))
    (folder / "run.toml").write_text("[training]\nepochs = 3\n[run]\nname = 'a'\n")
    for number in range(100):
        name = draw.choice(list(READERS))
        path = folder / f"{number}-{name}"
        path.write_bytes(_damaged(draw, (folder / name).read_bytes()))
        said = ""
        try:
            READERS[name](path)
        except XaituiError as error:
            said = str(error)
        assert "\n" not in said, f"{name}: more than a line: {said}"


def _read_arrays(path: Path) -> object:
    return [read_array(path, member) for member in read_headers(path, array_names(path)).values()]


READERS: dict[str, Callable[[Path], object]] = {
    "set.npz": _read_arrays,
    "digits": lambda path: read_idx(path, 3),
    "picture.png": lambda path: decode(path, 28, 1),
    "run.toml": lambda path: from_toml(path.read_bytes().decode(errors="surrogateescape")),
}
"""What reads each of the sound files."""


def _damaged(draw: random.Random, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(draw.randint(1, 5)):
        at = draw.randrange(len(data))
        match draw.randrange(4):
            case 0:
                data[at] ^= 1 << draw.randrange(8)
            case 1:
                del data[at : at + draw.randrange(1, 50)]
            case 2:
                data[at:at] = draw.randbytes(draw.randrange(1, 50))
            case _:
                data = data[: max(at, 1)]
        data = data or bytearray(b"x")
    return bytes(data)
