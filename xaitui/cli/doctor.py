"""`xaitui doctor`: checks of this machine on one screen, and how to fix what is missing."""

from __future__ import annotations

import importlib.util
import json as json_module
import os
import shutil
import sys
import textwrap
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.records import DatasetInfo
from xaitui.cli.arguments import RunsDir
from xaitui.cli.output.streams import put
from xaitui.config.units import format_size
from xaitui.data.locate import find_file
from xaitui.errors import ExitCode
from xaitui.hardware.checks import (
    Check,
    Level,
    check_folder,
    check_memory,
    check_optional,
    check_packages,
    check_python,
    check_terminal,
)
from xaitui.hardware.compiler import check_compiler
from xaitui.hardware.gpus import read_driver
from xaitui.hardware.logind import check_sessions
from xaitui.hardware.torch_probe import TorchProbe, check_torch, check_torchvision, probe_torch
from xaitui.runs.folder import runs_folder
from xaitui.text import printable

NAME_WIDTH = 12
WIDTH = 80


def command(
    json: Annotated[bool, typer.Option("--json", help="One JSON object a check.")] = False, runs_dir: RunsDir = None
) -> int:
    """Check this machine, and how to fix what is missing; exits with 0 if training can run, otherwise 1."""
    checks = examine(runs_dir)
    for check in checks:
        for line in [json_module.dumps(asdict(check))] if json else lines(check):
            put(line)
    works = all(check.level is not Level.FAIL for check in checks)
    if not json:
        put("training can run: xaitui train --headless" if works else "training cannot run: mend what is marked FAIL")
    return int(ExitCode.FINISHED if works else ExitCode.FAILED)


def examine(runs_dir: Path | None) -> list[Check]:
    """Look at everything."""
    columns, height = shutil.get_terminal_size()
    probe = probe_torch()
    checks = [
        check_python(sys.version_info[:3], sys.executable),
        check_packages(_is_installed),
        check_torch(probe),
        check_torchvision(probe),
        check_driver(),
        check_device(probe),
        check_memory(),
        check_folder("runs", runs_folder(runs_dir)),
        check_data(),
        check_optional(_is_installed),
        check_compiler("cuda" if read_driver().gpus else "cpu"),
        check_terminal(
            os.environ, is_terminal=sys.stdout.isatty(), columns=columns, lines=height, encoding=sys.stdout.encoding
        ),
        check_sessions(),
    ]
    return [check for check in checks if check is not None]


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def check_driver() -> Check | None:
    """The GPUs of the driver; None where there is none, which the line of the device says."""
    driver = read_driver()
    if not driver.gpus:
        return None
    kinds = Counter(f"{gpu.name} ({format_size(gpu.total)})" for gpu in driver.gpus)
    gpus = ", ".join(f"{count} x {kind}" if count > 1 else kind for kind, count in kinds.items())
    return Check("driver", Level.OK, f"{driver.version}: {gpus}")


def check_device(probe: TorchProbe) -> Check:
    """What `--device auto` would take, and why."""
    if not (probe.torch and probe.torchvision):
        gpus = ", ".join(gpu.name for gpu in read_driver().gpus)
        return Check("device", Level.WARN, f"{gpus or 'no GPU that the driver knows'}; not tried without torch")
    from xaitui.stop import Stop
    from xaitui.training.device import choose_device, unsupported_capability

    chosen = choose_device("auto", wait_for=0, stop=Stop(), say=lambda text: None)
    text = f"{chosen.device} ({chosen.name}), {chosen.reason}"
    if chosen.device.type == "cuda" and (reason := unsupported_capability(chosen.device.index or 0)):
        return Check("device", Level.WARN, "cpu", reason)
    if chosen.device.type == "cpu" and read_driver().gpus:
        return Check("device", Level.WARN, text, "training uses the processor until that is mended")
    return Check("device", Level.OK, text)


def check_data() -> Check:
    """The sets whose files are here."""
    here = [label for info in DATASETS.values() for label in _sizes_here(info)]
    text = ", ".join(["digits (embedded)", *here])
    return Check("data", Level.OK, text, "" if here else "xaitui data ls shows the others, xaitui data get fetches one")


def _sizes_here(info: DatasetInfo) -> list[str]:
    sizes = [size for size, files in info.files.items() if all(find_file(file) for file in files)]
    return [info.name if size == info.sizes[0] else f"{info.name} {size} px" for size in sizes]


def lines(check: Check) -> list[str]:
    """A check within 80 columns; the remedy begins with an arrow."""
    head = f"{check.level:<5} {check.name:<{NAME_WIDTH}}"
    texts = [(head, printable(check.text))]
    if check.remedy:
        texts.append((" " * len(head) + "-> ", printable(check.remedy)))
    return [  # paths and commands stay whole, to be copied
        line
        for first, text in texts
        for line in textwrap.wrap(
            text,
            WIDTH,
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]
