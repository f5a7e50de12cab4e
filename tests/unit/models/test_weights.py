from __future__ import annotations

import collections
import contextlib
import hashlib
import io
import pickle
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.file_server import Answer, FileServer, serving
from xaitui.errors import DataError, ExitCode
from xaitui.models.weights import WeightsFile, find_weights, read_state_dicts, weights_dir
from xaitui.models.xception import WEIGHTS as XCEPTION


class Code:
    """Runs when it is unpickled without care."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1/0",)


def saved(content: object, *, legacy: bool = False) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


STATE = collections.OrderedDict(a=torch.arange(6.0).reshape(2, 3), b=torch.ones(4, dtype=torch.int64))
BODY = saved(STATE)
SHA256 = hashlib.sha256(BODY).hexdigest()


def known(*urls: str) -> tuple[WeightsFile, ...]:
    return (WeightsFile(f"net-{SHA256[:8]}.pth", urls, SHA256[:8], "V1"),)


@pytest.fixture(autouse=True)
def _own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as running:
        yield running


def hub_cache(tmp_path: Path) -> Path:
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_xceptions_file_is_looked_for_first_where_it_is_reliably_served() -> None:
    assert XCEPTION.name == "xception-43020ad28.pth"
    assert XCEPTION.sha256_prefix == "43020ad28"
    assert [url.split("/")[2] for url in XCEPTION.urls] == ["github.com", "data.lip6.fr"]
    assert "/v0.1-cadene/" in XCEPTION.urls[0]


def test_the_hash_is_read_from_the_name() -> None:
    file = WeightsFile.from_url("https://example.org/models/resnet18-f37072fd.pth", "V1")
    assert (file.name, file.sha256_prefix) == ("resnet18-f37072fd.pth", "f37072fd")
    assert WeightsFile.from_url("https://example.org/net.pth", "V1").sha256_prefix == ""


def test_both_caches_are_looked_into_and_verified(tmp_path: Path, server: FileServer) -> None:
    hub = hub_cache(tmp_path) / known()[0].name
    hub.write_bytes(BODY)
    found = find_weights("net", known(server.address))
    assert (found.path, found.sha256) == (hub, SHA256)
    assert found.description == f"{hub.name} (sha256 {SHA256[:16]}, V1, verified)"
    weights_dir().mkdir(parents=True)
    ours = weights_dir() / known()[0].name
    ours.write_bytes(BODY)
    assert find_weights("net", known(server.address)).path == ours
    ours.write_bytes(BODY[:-1])
    assert find_weights("net", known(server.address)).path == hub
    assert not server.seen


def test_what_is_not_here_is_fetched_from_the_first_mirror_that_has_it(server: FileServer) -> None:
    gone = server.serve("/gone", Answer(status=404))
    page = server.serve("/page", Answer(b"<!doctype html><title>Expired</title>"))
    right = server.serve("/right", Answer(BODY))
    told: list[tuple[int, int]] = []
    found = find_weights("net", known(gone, page, right), report=lambda done, total: told.append((done, total)))
    assert found.path == weights_dir() / known()[0].name
    assert found.path.read_bytes() == BODY
    assert told
    seen = len(server.seen)
    assert find_weights("net", known(gone, page, right)) == found
    assert len(server.seen) == seen


def test_another_file_of_that_name_in_the_cache_stays(server: FileServer) -> None:
    ours = weights_dir() / known()[0].name
    ours.parent.mkdir(parents=True)
    ours.write_bytes(b"my own")
    with pytest.raises(DataError, match="is not replaced: move it away"):
        find_weights("net", known(server.serve("/right", Answer(BODY))))
    assert ours.read_bytes() == b"my own"


def test_without_any_mirror_the_message_says_what_to_do(server: FileServer) -> None:
    with pytest.raises(DataError) as caught:
        find_weights("resnet18", known(server.serve("/gone", Answer(status=404))))
    message = str(caught.value)
    assert message.startswith("the weights of resnet18 are not here and could not be downloaded (")
    assert message.endswith(f"): put {known()[0].name} into {weights_dir()}, or give --weights FILE")
    assert "\n" not in message
    assert caught.value.exit_code is ExitCode.DATA


def test_a_file_that_was_given_comes_before_the_caches(tmp_path: Path, server: FileServer) -> None:
    (hub_cache(tmp_path) / known()[0].name).write_bytes(BODY)
    other = tmp_path / "other.pth"
    other.write_bytes(saved({"a": torch.zeros(1)}))
    found = find_weights("net", known(server.address), other)
    assert (found.path, found.known) == (other, None)
    assert found.description.endswith(", not verified: not a published file of this model)")
    same = tmp_path / "renamed.pth"
    same.write_bytes(BODY)
    assert find_weights("net", known(server.address), same).description.endswith("V1, verified)")


def test_a_file_that_was_given_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read the weights file .*absent.pth: No such file or directory"):
        find_weights("net", known(), tmp_path / "absent.pth")


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("wrap", ["", "state_dict", "weights"])
def test_tensors_are_read_by_name(tmp_path: Path, legacy: bool, wrap: str) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(saved({wrap: STATE, "epoch": 3} if wrap else STATE, legacy=legacy))
    state = read_state_dicts(path)[wrap]
    assert list(state) == ["a", "b"]
    assert all(torch.equal(state[key], STATE[key]) for key in state)


CODE = (
    "it holds code or objects, which are never run; only tensors are taken: "
    "torch.save(model.state_dict(), 'weights.pth')"
)
BAD = {
    "web page": (b"\n<!DOCTYPE html><html>", "it is a web page, which a server sent instead; download it again"),
    "code": (
        saved({"a": Code()}),
        CODE,
    ),
    "old code": (
        saved({"a": Code()}, legacy=True),
        CODE,
    ),
    "network": (
        saved(torch.nn.Linear(2, 2)),
        CODE,
    ),
    "pickle": (pickle.dumps(Code()), "it is damaged, or not a PyTorch file"),
    "nothing": (b"", "it is damaged, or not a PyTorch file"),
    "half": (BODY[: len(BODY) // 2], "it is damaged, or not a PyTorch file"),
    "noise": (random.Random(0).randbytes(5000), "it is damaged, or not a PyTorch file"),
    "list": (saved([torch.ones(1)]), "it does not hold tensors by name"),
    "numbers": (saved({"a": 1.0}), "it does not hold tensors by name"),
    "no tensor": (saved({}), "it does not hold tensors by name"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, kind: str) -> None:
    content, reason = BAD[kind]
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_state_dicts(path)
    assert str(caught.value) == f"cannot use the weights file {path}: {reason}"
    assert caught.value.exit_code is ExitCode.DATA


@pytest.mark.parametrize("legacy", [False, True])
def test_no_damage_raises_anything_else(tmp_path: Path, legacy: bool) -> None:
    body, rng, read = saved(STATE, legacy=legacy), random.Random(0), 0
    path = tmp_path / "net.pth"
    for _ in range(300):
        damaged = bytearray(body)
        for _ in range(rng.randint(1, 8)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        with contextlib.suppress(DataError):
            read_state_dicts(path)
            read += 1
    assert 0 < read < 250
