"""Choice of the device of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from xaitui.config.units import format_size
from xaitui.errors import UsageError
from xaitui.hardware.gpus import Driver, Gpu, idlest, read_driver
from xaitui.stop import Stop, StoppedError

POLL_SECONDS = 5.0


@dataclass(frozen=True)
class ChosenDevice:
    """A device, its name, and the reason for choosing it."""

    device: torch.device
    name: str
    reason: str


def choose_device(
    wanted: str, *, wait_for: int, stop: Stop, say: Callable[[str], None], read: Callable[[], Driver] = read_driver
) -> ChosenDevice:
    """Choose among the devices that this process can use.

    Args:
        wanted: "auto", "cpu", "cuda", "cuda:N" or "mps".
        wait_for: bytes that must be free on a GPU; the call waits for them, and reports that.

    Raises:
        UsageError: the requested device does not exist.
        StoppedError: a stop was requested meanwhile.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return _without_cuda(wanted, read)
    if wanted == "mps":
        if not torch.backends.mps.is_available():
            raise UsageError("there is no mps device here; use --device auto or cpu")
        return ChosenDevice(torch.device("mps"), "Apple GPU", "asked for")
    if not torch.cuda.is_available():
        raise UsageError(f"torch cannot use a GPU here: {_why_no_cuda(read())}; use --device cpu or mend that")
    _check_index(wanted)
    visible = _visible(read())
    while wait_for and visible and not _fitting(visible, wanted, wait_for) and not stop.now:
        best = max(gpu.free for gpu in visible.values())
        say(f"waiting for a GPU with {format_size(wait_for)} free; the most free now is {format_size(best)}")
        stop.event.wait(POLL_SECONDS)
        visible = _visible(read())
    if stop.now:
        raise StoppedError(stop.now)
    return _choose_cuda(wanted, _fitting(visible, wanted, wait_for) or visible)


def _check_index(wanted: str) -> None:
    count = torch.cuda.device_count()
    if ":" in wanted and int(wanted.split(":")[1]) >= count:
        raise UsageError(
            f"there is no {wanted}; this process sees {count} GPU{'s' if count != 1 else ''}, from cuda:0 on"
        )


def _visible(driver: Driver) -> dict[int, Gpu]:
    """The GPUs that torch sees, by torch's index; the driver numbers them differently, so they are matched by UUID."""
    by_uuid = {gpu.uuid.removeprefix("GPU-"): gpu for gpu in driver.gpus}
    uuids = {index: str(torch.cuda.get_device_properties(index).uuid) for index in range(torch.cuda.device_count())}
    return {index: by_uuid[uuid] for index, uuid in uuids.items() if uuid in by_uuid}


def _fitting(visible: dict[int, Gpu], wanted: str, wait_for: int) -> dict[int, Gpu]:
    return {
        index: gpu
        for index, gpu in visible.items()
        if gpu.free >= wait_for and wanted in ("auto", "cuda", f"cuda:{index}")
    }


def _choose_cuda(wanted: str, visible: dict[int, Gpu]) -> ChosenDevice:
    if ":" in wanted or not visible:
        index = int(wanted.split(":")[1]) if ":" in wanted else 0
        reason = "asked for" if ":" in wanted else "the first; the driver does not tell which is idle"
    else:
        gpu = idlest(tuple(visible.values()))
        index = next(number for number, item in visible.items() if item is gpu)
        busy = "" if gpu.utilisation is None else f", {gpu.utilisation} % busy"
        reason = f"the idlest of {len(visible)} visible: {format_size(gpu.free)} free{busy}"
    return ChosenDevice(torch.device("cuda", index), torch.cuda.get_device_name(index), reason)


def _without_cuda(wanted: str, read: Callable[[], Driver]) -> ChosenDevice:
    cpu = torch.device("cpu")
    if wanted == "cpu":
        return ChosenDevice(cpu, "processor", "asked for")
    if torch.backends.mps.is_available():
        return ChosenDevice(torch.device("mps"), "Apple GPU", "the only GPU here")
    return ChosenDevice(cpu, "processor", _why_no_cuda(read()))


def _why_no_cuda(driver: Driver) -> str:
    """Why torch has no GPU, with a remedy if the machine has one."""
    if not driver.gpus:
        return driver.problem or "the driver knows no GPU"
    name = driver.gpus[0].name
    if torch.version.cuda is None:
        return f"there is a {name}, but this torch is a build without CUDA; install the registry's plain torch"
    return (
        f"there is a {name}, but torch {torch.__version__} cannot use it: its CUDA {torch.version.cuda} may need a "
        f"newer driver than {driver.version}, or CUDA_VISIBLE_DEVICES hides it"
    )


def unsupported_capability(index: int) -> str:
    """Why this build of torch does not support a GPU; empty if it does."""
    major, minor = torch.cuda.get_device_capability(index)
    built = [
        int(arch.removeprefix("sm_").rstrip("af")) for arch in torch.cuda.get_arch_list() if arch.startswith("sm_")
    ]
    if not built or any(arch // 10 == major and arch % 10 <= minor for arch in built):
        return ""
    name = torch.cuda.get_device_name(index)
    return (
        f"{name} has compute capability {major}.{minor}, which torch {torch.__version__} was not built for "
        f"(sm_{min(built)} to sm_{max(built)}); install an older torch to use it"
    )
