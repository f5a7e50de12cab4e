"""Interpretation of CUDA_VISIBLE_DEVICES without CUDA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SETTING = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Identity:
    """Identity of a GPU."""

    index: int
    """Index of the driver, in PCI bus order."""
    uuid: str
    name: str
    instances: tuple[str, ...] = ()
    """The UUIDs of its MIG instances."""


def find_hidden(gpus: Sequence[Identity], environ: Mapping[str, str]) -> tuple[bool | None, ...]:
    """Return whether each of `gpus`, all those of the machine, is hidden; None if unknown.

    CUDA counts the fastest first unless CUDA_DEVICE_ORDER says otherwise, and only CUDA knows which that is: a number
    tells nothing where the models differ.
    """
    setting = environ.get(SETTING)
    if setting is None:
        return (False,) * len(gpus)
    words, shown = [word.strip() for word in setting.split(",")], set[int]()
    for word in words:
        gpu = next((gpu for gpu in gpus if _names(word, gpu)), None)
        if gpu is None:  # CUDA ignores everything from the first invalid word on
            break
        shown.add(gpu.index)
    same_order = environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len({gpu.name for gpu in gpus}) == 1
    if words[0].isdecimal() and 0 < len(shown) < len(gpus) and not same_order:
        return (None,) * len(gpus)
    return tuple(gpu.index not in shown for gpu in gpus)


def _names(word: str, gpu: Identity) -> bool:
    """Return whether a word is a GPU's index, a prefix of its UUID, or one of its MIG instances."""
    if word.isdecimal():
        return int(word) == gpu.index
    if word.startswith("GPU-"):
        return gpu.uuid.startswith(word)
    if word.startswith("MIG-"):
        return word.startswith(f"MIG-{gpu.uuid}/") or any(uuid.startswith(word) for uuid in gpu.instances)
    return False
