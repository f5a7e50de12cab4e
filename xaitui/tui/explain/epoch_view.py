"""One epoch of the training maps screen, in words and as tiles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from textual.content import Content

from xaitui.catalog.attributions import ALL_ZERO, NOT_FINITE
from xaitui.metrics.rank_correlation import rank_correlation
from xaitui.runs.explanations.training_maps import Watched
from xaitui.text import printable
from xaitui.tui.explain.map_display import class_name
from xaitui.tui.explain.map_grid import Tile
from xaitui.tui.palette import MUTED

ANSWERS = 3
"""The most classes that are named below an image."""

Arrays = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Maps (n, H, W) and probabilities (n, C) of an epoch."""


@dataclass(frozen=True, eq=False)
class EpochView:
    """One epoch, and the selected image."""

    watched: Watched
    arrays: Mapping[int, Arrays]
    """Of this epoch, the first and the last one, by number."""
    names: Sequence[str]
    """Of the classes, safe to show; none where they are not known."""
    place: int
    """The place of the epoch among those that were watched."""
    sample: int

    @property
    def epoch(self) -> int:
        """Its number."""
        return self.watched.epochs[self.place]

    def about_epoch(self) -> Content:
        """The accuracy, how far the maps moved, and alarms."""
        row, alarms = self.watched.rows[self.place], self.watched.alarms
        parts = [(f"epoch {row.epoch} of {self.watched.epochs[-1]}", "bold")]
        parts += [(f"  accuracy {row.accuracy:.4f}", "")] if math.isfinite(row.accuracy) else []
        parts += [(f"  maps moved {row.moved:.2f}", "")] if math.isfinite(row.moved) else []
        if row.epoch in alarms:
            parts.append(("  alarm: accuracy stands still", "$text-warning"))
        elif alarms:
            parts.append((f"  alarms at {', '.join(map(str, alarms))}", "$text-warning"))
        return Content.assemble(*parts)

    def about_sample(self, *, shows_all: bool) -> Content:
        """The selected image, and the method of its maps."""
        count = len(self.watched.probe.indices)
        which = f"all {count} images" if shows_all else f"image {self.sample + 1} of {count}"
        return Content.styled(f"{which}  Grad-CAM of {printable(self.watched.probe.layer)}, true class  ", MUTED)

    def tiles_of_sample(self) -> list[Tile]:
        """The image, and its map after this epoch, the last and the first one."""
        probe, here = self.watched.probe, self.epoch
        first, last = self.watched.epochs[0], self.watched.epochs[-1]
        target = class_name(self.names, int(probe.targets[self.sample]))
        heading = Content.styled(f"val {probe.indices[self.sample]}: {target}", "bold")
        image = Tile(heading, probe.images[self.sample], lines=self._answers())
        named = {here: f"epoch {here}"}
        for epoch, words in ((last, "the last"), (first, "the first")):
            named.setdefault(epoch, f"epoch {epoch}, {words}")
        return [
            image,
            *(self._tile(self.sample, epoch, words, self._likeness(epoch)) for epoch, words in named.items()),
        ]

    def all_tiles(self) -> list[Tile]:
        """The map of each image after this epoch."""
        names = [class_name(self.names, int(target)) for target in self.watched.probe.targets]
        return [self._tile(sample, self.epoch, name) for sample, name in enumerate(names)]

    def _tile(self, sample: int, epoch: int, heading: str, lines: Sequence[Content] = ()) -> Tile:
        maps, probabilities = self.arrays[epoch]
        share = float(probabilities[sample, self.watched.probe.targets[sample]])
        attributions, problem = maps[sample], ""
        if not np.isfinite(attributions).all():
            problem = NOT_FINITE
        elif not attributions.any():
            problem = ALL_ZERO
        head = Content.assemble((heading, "bold" if epoch == self.epoch else MUTED), (f"  {share:.1%}", MUTED))
        return Tile(head, self.watched.probe.images[sample], attributions, signed=False, lines=lines, problem=problem)

    def _likeness(self, epoch: int) -> list[Content]:
        """The rank correlation of another epoch's map with this one."""
        if epoch == self.epoch:
            return []
        one, other = (self.arrays[each][0][self.sample : self.sample + 1] for each in (self.epoch, epoch))
        alike = float(rank_correlation(one, other)[0])
        return [Content.styled(f"rank correlation {alike:.2f}", MUTED)] if math.isfinite(alike) else []

    def _answers(self) -> list[Content]:
        """The most probable classes of the image after this epoch."""
        probabilities = self.arrays[self.epoch][1][self.sample]
        order = np.argsort(-probabilities, kind="stable")[:ANSWERS].tolist()
        return [
            Content.styled(f"{probabilities[index]:>6.1%} {class_name(self.names, index)}", MUTED) for index in order
        ]
