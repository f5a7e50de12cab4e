"""Identical images in two splits, found by a hash of their pixels."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from itertools import combinations

import numpy as np

from xaitui.catalog.splits import SPLITS
from xaitui.data.dataset import Dataset, Digests, Images, Split, chunks
from xaitui.data.row_file import RowFile
from xaitui.data.splits import RowSelection
from xaitui.system.atomic_files import replacing
from xaitui.system.damaged_files import FILE_DAMAGE


def image_digests(images: Images) -> Digests:
    """Return 64 bits of the SHA-256 of each image's pixels, (N,); cached beside images on disk."""
    if isinstance(images, RowSelection):
        return image_digests(images.whole)[images.chosen]
    if not isinstance(images, RowFile):
        return _computed(images)
    memo = images.path.with_suffix(".digests.npy")
    with contextlib.suppress(*FILE_DAMAGE):
        kept: Digests = np.load(memo, allow_pickle=False)
        if kept.shape == (len(images),) and kept.dtype == np.uint64:
            return kept
    digests = _computed(images)
    with contextlib.suppress(OSError), replacing(memo, durable=False) as file:
        np.save(file, digests)
    return digests


def _computed(images: Images) -> Digests:
    digests = [hashlib.sha256(image).digest()[:8] for chunk in chunks(images) for image in np.ascontiguousarray(chunk)]
    return np.frombuffer(b"".join(digests), np.uint64)


def note_at_start(dataset: Dataset) -> str:
    """Return the note on images in two splits; about test only if its digests are known without reading it."""
    digests = _digests_of(dataset)
    if dataset.test_digests:
        digests["test"] = dataset.test_digests()
    return _note(digests)


def note_about_test(dataset: Dataset, test: Split) -> str:
    """Return the note on test images in another split; empty if `note_at_start` covered it."""
    if dataset.test_digests:
        return ""
    return _note(_digests_of(dataset) | {"test": image_digests(test.images)}, only="test")


def _digests_of(dataset: Dataset) -> dict[str, Digests]:
    return {split.name: image_digests(split.images) for split in (dataset.train, dataset.val)}


def _note(digests: Mapping[str, Digests], only: str = "") -> str:
    found = []
    for other, split in combinations([name for name in SPLITS if name in digests], 2):
        count = int(np.isin(digests[split], digests[other]).sum())
        if count and only in ("", split):
            found.append(f"{count:,} of {len(digests[split]):,} {split} images are also in {other}")
    return "; ".join(found)
