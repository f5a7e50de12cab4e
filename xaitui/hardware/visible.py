"""Which GPUs CUDA_VISIBLE_DEVICES hides, told without CUDA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SETTING = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Identity:
    """What stays the same about a GPU."""

    index: int
    """As the driver counts, in the order of the PCI bus."""
    uuid: str
    name: str
    instances: tuple[str, ...] = ()
    """The UUIDs of its MIG instances."""


def find_hidden(gpus: Sequence[Identity], environ: Mapping[str, str]) -> tuple[bool | None, ...]:
    """Whether each of `gpus`, which are all of the machine, is hidden; None where that cannot be told.

    CUDA counts the fastest first unless CUDA_DEVICE_ORDER says otherwise, and only CUDA knows which that is: a number
    tells nothing where the models differ.
    """
    setting = environ.get(SETTING)
    if setting is None:
        return (False,) * len(gpus)
    words, shown = [word.strip() for word in setting.split(",")], set[int]()
    for word in words:
        gpu = next((gpu for gpu in gpus if _names(word, gpu)), None)
        if gpu is None:  # CUDA takes what stands before the first word that names nothing
            break
        shown.add(gpu.index)
    same_order = environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len({gpu.name for gpu in gpus}) == 1
    if words[0].isdecimal() and 0 < len(shown) < len(gpus) and not same_order:
        return (None,) * len(gpus)
    return tuple(gpu.index not in shown for gpu in gpus)


def _names(word: str, gpu: Identity) -> bool:
    """Whether a word is a GPU's number, the beginning of its UUID, or one of its MIG instances in either spelling."""
    if word.isdecimal():
        return int(word) == gpu.index
    if word.startswith("GPU-"):
        return gpu.uuid.startswith(word)
    if word.startswith("MIG-"):
        return word.startswith(f"MIG-{gpu.uuid}/") or any(uuid.startswith(word) for uuid in gpu.instances)
    return False
