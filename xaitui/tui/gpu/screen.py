"""The GPUs of this machine, or its processors, on a screen of their own."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from xaitui.text import printable
from xaitui.tui.gpu.panel import GpuPanel
from xaitui.tui.screen import ConsoleScreen


class GpuScreen(ConsoleScreen):
    """Every device, with the last two minutes."""

    NAME: ClassVar = "gpu"

    def compose_body(self) -> Iterable[Widget]:
        """The panel, as large as it can be."""
        yield GpuPanel()

    def on_mount(self) -> None:
        """Say whose devices these are."""
        self.say_title(f"devices of {printable(socket.gethostname())}")
