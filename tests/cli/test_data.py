from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.file_server import Answer, FileServer, serving
from tests.shared_data import shared_file
from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.records import RemoteFile
from xaitui.cli.app import run
from xaitui.cli.output.download_bar import transfer_bar
from xaitui.data.array_cache import cached_rows
from xaitui.errors import ExitCode

BODY = b"images and labels" * 1000
FILE = RemoteFile("breastmnist.npz", hashlib.md5(BODY).hexdigest(), len(BODY), ())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own folders out of it; return where files go."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("XAITUI_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "xaitui" / "data"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server of breastmnist, which then is a small set with two mirrors."""
    with serving() as running:
        urls = tuple(running.serve(path, Answer(BODY)) for path in ("/one", "/two"))
        info = replace(DATASETS["breastmnist"], files={28: (replace(FILE, urls=urls),)})
        monkeypatch.setitem(DATASETS, "breastmnist", info)
        yield running


class Outcome:
    def __init__(self, capsys: pytest.CaptureFixture[str], arguments: str) -> None:
        capsys.readouterr()
        self.code = run(["data", *arguments.split()])
        self.out, self.err = capsys.readouterr()


class Shell:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, arguments: str) -> Outcome:
        return Outcome(self._capsys, arguments)


@pytest.fixture
def data(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def test_ls_has_every_set_in_80_columns(data: Shell) -> None:
    listed = data("ls")
    assert listed.code == ExitCode.FINISHED
    lines = listed.out.splitlines()
    assert max(map(len, lines)) <= 80
    names = [line.split()[0] for line in lines[1:] if not line.startswith(" ")]
    assert names == list(DATASETS)
    assert len(names) == 14
    derma = next(line for line in lines if line.startswith("dermamnist"))
    assert derma.split() == ["dermamnist", "multi-class", "7", "3", "7,007", "1,003", "2,005", "CC", "BY-NC", "4.0"]


def test_ls_as_json_has_every_set_too(data: Shell) -> None:
    records = [json.loads(line) for line in data("ls --json").out.splitlines()]
    assert [record["name"] for record in records] == list(DATASETS)
    for record, info in zip(records, DATASETS.values(), strict=True):
        assert (record["train"], record["val"], record["test"]) == info.counts
        assert [size["size"] for size in record["sizes"]] == list(info.sizes)
        assert record["licence"]
    (path,) = [record for record in records if record["name"] == "pathmnist"]
    assert path["sizes"][3]["pixel_bytes"] == (89_996 + 10_004 + 7_180) * 224 * 224 * 3
    assert path["sizes"][3]["state"] == "not here"


def test_get_fetches_and_says_where_to(data: Shell, server: FileServer, home: Path) -> None:
    got = data("get breastmnist --size 28")
    assert got.code == ExitCode.FINISHED
    assert got.out == f"{home / FILE.name}\n"
    assert got.err.splitlines() == ["fetching breastmnist.npz", "breastmnist.npz is here and verified"]
    assert (home / FILE.name).read_bytes() == BODY
    assert "28 px 597.2 KiB verified" in data("ls").out
    assert data("get breastmnist").err == "breastmnist.npz was here already, and is verified\n"
    assert len(server.seen) == 1


def test_get_replaces_a_damaged_file_only_by_force(data: Shell, server: FileServer, home: Path) -> None:
    data("get breastmnist")
    (home / FILE.name).write_bytes(b"damaged")
    verified = data("verify breastmnist")
    assert verified.code == ExitCode.DATA
    assert verified.out == f"damaged   {home / FILE.name}\n"
    assert "1 of 1 files are not the published ones" in verified.err
    assert "`xaitui data get breastmnist --size 28`" in verified.err
    assert "damaged" in data("ls").out
    refused = data("get breastmnist")
    assert (refused.code, (home / FILE.name).read_bytes()) == (ExitCode.DATA, b"damaged")
    assert refused.err.splitlines()[-1].endswith("is not replaced: move it away, or replace it with --force")
    assert data("get breastmnist --force").code == ExitCode.FINISHED
    assert data("verify").out == f"verified  {home / FILE.name}\n"


def test_get_says_what_was_tried(data: Shell, server: FileServer, home: Path) -> None:
    server.serve("/one", Answer(status=404))
    server.serve("/two", Answer(b"<html>" + BODY[6:]))
    failed = data("get breastmnist")
    assert failed.code == ExitCode.DATA
    assert failed.out == ""
    *_, line = failed.err.splitlines()
    assert all(word in line for word in ("/one: HTTP 404", "/two: a wrong file: its MD5", "--from FILE"))
    assert list(home.iterdir()) == []


def test_get_is_interrupted_and_goes_on(data: Shell, server: FileServer, home: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xaitui.cli.output.download_bar._lines", lambda _: interrupt)
        stopped = data("get breastmnist")
    assert stopped.code == ExitCode.INTERRUPTED
    assert "the same command goes on from there" in stopped.err
    assert "partial" in data("ls").out
    assert data("verify breastmnist").out == f"partial   {home / FILE.name}.part\n"
    assert data("get breastmnist").code == ExitCode.FINISHED
    assert (home / FILE.name).read_bytes() == BODY


def test_get_takes_a_file_that_was_brought(data: Shell, tmp_path: Path) -> None:
    source = shared_file("medmnist", "breastmnist.npz")
    target = tmp_path / "elsewhere"
    got = data(f"get breastmnist --data-dir {target} --from {source}")
    assert got.out == f"{target / 'breastmnist.npz'}\n"
    assert (target / "breastmnist.npz").read_bytes() == source.read_bytes()
    wrong = data(f"get breastmnist --size 64 --data-dir {target} --from {source}")
    assert wrong.code == ExitCode.DATA
    assert "is not breastmnist_64.npz: its MD5 is" in wrong.err


def test_get_takes_the_folder_of_a_set_of_several_files(data: Shell, home: Path) -> None:
    source = shared_file("mnist")
    assert data(f"get mnist --from {source / 'train-images-idx3-ubyte.gz'}").code == ExitCode.USAGE
    assert data(f"get mnist --from {source}").code == ExitCode.FINISHED
    assert len(list(home.iterdir())) == 4
    assert "28 px 52.3 MiB verified" in data("ls").out


def test_unpacked_files_are_verified_by_their_own_hash(data: Shell, home: Path) -> None:
    home.mkdir(parents=True)
    for packed in shared_file("mnist").iterdir():
        (home / packed.name.removesuffix(".gz")).write_bytes(gzip.decompress(packed.read_bytes()))
    verified = data("verify mnist")
    assert verified.code == ExitCode.FINISHED
    assert [line.split()[0] for line in verified.out.splitlines()] == ["verified"] * 4


def test_a_named_folder_gets_its_own_copy(data: Shell, server: FileServer, tmp_path: Path) -> None:
    data("get breastmnist")
    data("get breastmnist --data-dir shared-disk")
    assert (tmp_path / "shared-disk" / FILE.name).read_bytes() == BODY
    assert data("get breastmnist --data-dir shared-disk").err == "breastmnist.npz was here already, and is verified\n"


def test_the_embedded_set_needs_nothing(data: Shell) -> None:
    assert "nothing to fetch" in data("get digits").err
    assert data("verify digits").code == ExitCode.FINISHED


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("get pathmnst", ExitCode.USAGE, "did you mean 'pathmnist'?"),
        ("get organmnist3d", ExitCode.USAGE, "3D datasets are not supported"),
        ("get pathmnist --size 50", ExitCode.USAGE, "choose --size from 28, 64, 128, 224"),
        ("get pathmnist --from absent.npz", ExitCode.DATA, "cannot read absent.npz: No such file"),
        ("verify pathmnist", ExitCode.DATA, "get it with `xaitui data get pathmnist --size 28`"),
        ("verify nothing", ExitCode.USAGE, "unknown dataset 'nothing'"),
        ("rm", ExitCode.USAGE, "name a set to remove its files, or give --cache"),
        ("rm mnist --cache", ExitCode.USAGE, "name a set to remove its files, or give --cache"),
        ("rm pathmnist --yes", ExitCode.DATA, "nothing was removed"),
        ("rm pathmnist --size 3 --yes", ExitCode.USAGE, "choose --size from"),
    ],
)
def test_bad_input_is_one_line(data: Shell, arguments: str, code: ExitCode, words: str) -> None:
    outcome = data(arguments)
    assert outcome.code == code
    assert outcome.out == ""
    assert words in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err


def test_rm_removes_what_was_fetched_and_nothing_else(data: Shell, server: FileServer, home: Path) -> None:
    data("get breastmnist")
    other = Path("~/.medmnist/breastmnist_64.npz").expanduser()
    other.parent.mkdir()
    other.write_bytes(BODY)
    info = DATASETS["breastmnist"]
    remotes = {**info.files, 64: (RemoteFile(other.name, FILE.md5, 0, ()),)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DATASETS, "breastmnist", replace(info, files=remotes))
        asked = data("rm breastmnist")
        assert (asked.code, (home / FILE.name).exists()) == (ExitCode.USAGE, True)
        removed = data("rm breastmnist --yes")
    assert removed.code == ExitCode.FINISHED
    assert removed.out == f"removed {home / FILE.name}\n"
    assert f"{other} stays" in removed.err
    assert other.exists()
    assert list(home.iterdir()) == []


def test_the_cache_is_listed_and_freed(data: Shell, tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "own.npz", train_images=np.zeros((4, 8, 8), np.uint8))
    rows = cached_rows(tmp_path / "own.npz", "train_images.npy")
    rows.path.with_name("killed.npy.part").write_bytes(b"half")
    listed = data("ls")
    assert f"384 B  {rows.path.name}" in listed.out
    assert "xaitui data rm --cache" in listed.err
    assert [json.loads(line)["whole"] for line in data("ls --json").out.splitlines() if "cached" in line] == [
        False,
        True,
    ]
    assert data("rm --cache").out == "freed 388 B\n"
    assert "cached" not in data("ls").out


def test_full_disk(data: Shell, server: FileServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    failed = data("get breastmnist")
    assert failed.code == ExitCode.DATA
    assert "has 10 B free" in failed.err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_that_starts_again_for_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with transfer_bar("fetching x.npz") as report:
        for done, total in ((0, 0), (5, 10), (10, 10), (1, 10), (10, 10)):
            report(done, total)
    assert "verifying x.npz" in screen.getvalue()
    assert "10/10 bytes" in screen.getvalue()


def test_others_get_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with transfer_bar("fetching x.npz") as report:
        for done in range(0, 101):
            report(done << 20, 100 << 20)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["fetching x.npz", "fetching x.npz: 16.0 MiB of 100.0 MiB"]
    assert len(lines) == 7
