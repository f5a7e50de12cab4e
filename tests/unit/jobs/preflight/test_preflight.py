"""Before a run: what a few real steps tell of it, what they leave behind (nothing), and what is chosen by them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.run_commands import assert_equal_weights, finish, made_set, start, take_up
from tests.shared_data import shared_file
from tests.unit.jobs.train.test_out_of_memory import ERRORS, Wall
from xaitui.config.resolve import build_config
from xaitui.config.schema import RunConfig
from xaitui.config.toml import from_toml, read_resolved
from xaitui.errors import ExitCode, OutOfMemoryError
from xaitui.events import RunFinished
from xaitui.jobs import prepare as prepare_module
from xaitui.jobs.measure import speed
from xaitui.jobs.measure.memory import OF_PROCESS, MemoryMeter
from xaitui.jobs.measure.precision import speed_with
from xaitui.jobs.preflight import batch_size as largest_batch
from xaitui.jobs.preflight.batch_size import LEAST_STEPS, RESERVE
from xaitui.jobs.preflight.preflight import preflight
from xaitui.jobs.preflight.report import WIDTH, Preflight
from xaitui.jobs.prepare import prepare
from xaitui.jobs.train.start import begin_run
from xaitui.stop import Stop, StoppedError, StopReason
from xaitui.training.build import build_parts
from xaitui.training.components import Parts

MIB = 1 << 20
FAST: dict[str, Any] = {"data.fraction": 0.2, "training.epochs": 2, "training.threads": 1}


def quiet(text: str) -> None:
    del text


def look(settings: Mapping[str, Any] | None = None, available: int | None = None) -> Preflight:
    return preflight(build_config({**FAST, **(settings or {})}), Stop(), quiet, available)


@pytest.fixture(autouse=True, scope="module")
def _few_steps() -> Iterator[None]:
    """No test asks how well it was measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "SECONDS", 0.1)
        patch.setattr(largest_batch, "SECONDS", 1.0)
        yield


@pytest.fixture(scope="module")
def digits() -> Preflight:
    return look({"training.patience": 3})


def test_the_times_follow_from_the_speeds(digits: Preflight) -> None:
    assert (digits.train_images, digits.val_images, digits.test_images, digits.epochs) == (259, 144, 359, 2)
    assert digits.training_speed > 0
    assert digits.evaluation_speed > 0
    epoch = 259 / digits.training_speed + 144 / digits.evaluation_speed
    assert digits.epoch_seconds == pytest.approx(epoch)
    assert digits.run_seconds == pytest.approx(2 * epoch + (144 + 359) / digits.evaluation_speed)


def test_it_says_what_was_measured_and_where(digits: Preflight) -> None:
    assert (digits.batch_size, digits.computed_at_once, digits.precision) == (32, 32, "float32")
    assert digits.memory_kind == OF_PROCESS
    assert 100 * MIB < digits.peak_memory < digits.available_memory
    assert 32 <= digits.largest_batch <= 259
    assert any(note.startswith("cpu: ") for note in digits.notes)
    assert any(note.startswith("val is cut from train") for note in digits.notes)
    assert "early stopping may end it sooner" in digits.notes


def test_it_is_a_record_and_a_few_lines(digits: Preflight) -> None:
    assert Preflight.from_record(json.loads(json.dumps(asdict(digits), allow_nan=False))) == digits
    lines = list(digits.lines())
    assert max(map(len, lines)) <= WIDTH
    assert [line.split()[0] for line in lines[:5]] == ["device", "speed", "time", "memory", "batch"]
    assert digits.short_text.count("\n") == 1


def with_spare(base: int, spare: int) -> int:
    """Bytes with which so many MiB are left beside the reserve."""
    return int((base + spare * MIB) / (1 - RESERVE))


def test_the_largest_batch_grows_with_the_memory(tmp_path: Path) -> None:
    made_set(tmp_path / "set.npz", images=512, side=48, channels=3)
    settings: dict[str, Any] = {
        "data.dataset": str(tmp_path / "set.npz"),
        "data.fraction": 1.0,
        "training.batch_size": 16,
    }
    base = look(settings).peak_memory
    few, all_of_them = (look(settings, with_spare(base, spare)) for spare in (100, 9000))
    assert 16 < few.largest_batch < all_of_them.largest_batch == 512
    assert few.computed_at_once == 16


def test_a_batch_that_does_not_fit_is_computed_in_portions_and_said(tmp_path: Path) -> None:
    made_set(tmp_path / "set.npz", images=512, side=48, channels=3)
    settings: dict[str, Any] = {"data.dataset": str(tmp_path / "set.npz"), "data.fraction": 1.0}
    base = look(settings | {"training.batch_size": 16}).peak_memory
    found = look(settings | {"training.batch_size": 512}, with_spare(base, 100))
    assert found.batch_size == 512
    assert found.computed_at_once == found.largest_batch < 512
    assert any(note.startswith("a batch of 512 does not fit") for note in found.notes)


def test_where_not_the_smallest_batch_fits_it_ends_with_4() -> None:
    with pytest.raises(OutOfMemoryError, match=r"smaller --batch-size.*a batch of 2 does not fit") as caught:
        look(available=10 * MIB)
    assert caught.value.exit_code is ExitCode.OUT_OF_MEMORY


def test_steps_that_run_out_of_memory_are_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def walled(*arguments: Any, **options: Any) -> Parts:
        parts = build_parts(*arguments, **options)
        parts.model.register_forward_hook(Wall(4, ERRORS["host"]))
        return parts

    monkeypatch.setattr(prepare_module, "build_parts", walled)
    found = look()
    assert (found.largest_batch, found.largest_is_tried, found.computed_at_once) == (4, True, 4)


def test_what_is_real_is_measured() -> None:
    folder = shared_file("medmnist")
    found = look(
        {
            "data.dataset": "breastmnist",
            "data.data_dir": str(folder),
            "training.ema_decay": 0.9,
            "augmentation.rotate": 10,
            "optimizer.name": "muon",
        }
    )
    assert found.train_images == 109
    assert found.training_speed > 0


@pytest.mark.parametrize("storage", ["resident", "streaming"])
def test_the_run_after_it_is_the_run_without_it(storage: str, runs_dir: Path, tmp_path: Path) -> None:
    made_set(tmp_path / "set.npz", images=96)
    settings: dict[str, Any] = {
        "data.dataset": str(tmp_path / "set.npz"),
        "data.storage": storage,
        "training.epochs": 2,
        "training.threads": 1,
    }
    runs = {name.replace(".", "__"): value for name, value in settings.items()}
    plain = start(runs_dir, **runs)
    finish(plain)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.use_deterministic_algorithms(True, warn_only=True)
    files = sorted(tmp_path.rglob("*"))
    look(settings | {"training.batch_size": "auto"})
    assert sorted(tmp_path.rglob("*")) == files
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    again = start(runs_dir, **runs)
    finish(again)
    assert_equal_weights(plain.run, again.run)


def test_a_stop_ends_it_between_two_steps() -> None:
    stop = Stop()
    stop.ask(StopReason("SIGTERM", ExitCode.TERMINATED))
    with pytest.raises(StoppedError) as caught:
        preflight(build_config(FAST), stop, quiet)
    assert caught.value.exit_code is ExitCode.TERMINATED


def begun(config: RunConfig, runs_dir: Path) -> Any:
    return begin_run(config, runs_dir, Stop(), quiet, ["xaitui", "train"])


def test_a_batch_size_that_is_found_is_a_number_in_the_run(runs_dir: Path) -> None:
    automatic = begun(build_config({**FAST, "training.batch_size": "auto", "training.precision": "auto"}), runs_dir)
    assert isinstance(finish(automatic)[-1], RunFinished)
    written = from_toml(automatic.run.config.read_text())
    assert written.training.batch_size == 8 == 259 // LEAST_STEPS
    assert written.training.precision == "auto"
    resolved = read_resolved(automatic.run.config)
    assert resolved["precision"] in ("float32", "bfloat16")
    assert "power of two" in resolved["reasons"]["batch_size"]
    assert resolved["reasons"]["precision"].startswith("measured: ")
    same = {"training.batch_size": 8, "training.precision": resolved["precision"]}
    given = begun(build_config({**FAST, **same}), runs_dir)
    finish(given)
    assert_equal_weights(automatic.run, given.run)
    again = take_up(automatic.run, extend=1)
    assert isinstance(finish(again)[-1], RunFinished)
    assert read_resolved(automatic.run.config) == resolved


def test_a_preflight_says_what_would_be_found() -> None:
    found = look({"training.batch_size": "auto", "training.precision": "auto"})
    assert found.batch_size == 8
    assert found.largest_batch > 8
    assert any(note.startswith("batch size 8: the largest power of two") for note in found.notes)
    assert any(note.startswith(f"precision {found.precision}: measured: ") for note in found.notes)


@pytest.mark.parametrize(("images", "size"), [(300, 8)])
def test_an_epoch_keeps_its_steps(images: int, size: int, tmp_path: Path) -> None:
    made_set(tmp_path / "set.npz", images=images)
    settings: dict[str, Any] = {
        "data.dataset": str(tmp_path / "set.npz"),
        "data.fraction": 1.0,
        "training.batch_size": 0,
    }
    assert look(settings).batch_size == size


def test_precisions_are_tried_on_the_model_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: dict[str, float | None] = {}

    def fastest(device: torch.device, speed_of: Callable[[str], float | None]) -> tuple[str, str]:
        assert device.type == "cpu"
        tried.update({name: speed_of(name) for name in ("float32", "bfloat16")})
        return "bfloat16", "measured"

    monkeypatch.setattr(prepare_module, "fastest_precision", fastest)
    prepared = prepare(build_config({**FAST, "training.precision": "auto"}), Stop(), quiet)
    assert all(tried.values())
    assert prepared.resolved.precision == "bfloat16"
    assert prepared.resolved.reasons["precision"] == "measured"
    assert prepared.trainer.parts.numerics.precision == "bfloat16"
    assert prepared.config.training.precision == "auto"
    plain = prepare(build_config({**FAST, "training.precision": "bfloat16"}), Stop(), quiet)
    for one, other in zip(
        prepared.trainer.parts.model.parameters(), plain.trainer.parts.model.parameters(), strict=True
    ):
        assert torch.equal(one, other)
    assert speed_with(lambda: plain.trainer.parts, torch.device("cpu"), Stop()) is not None
    assert MemoryMeter(torch.device("cpu")).peak() > 0
