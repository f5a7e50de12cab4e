"""The runs that are seen in the pictures: trained by the command line, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from screenshots.environment import RUNS

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Training:
    """A run to be made."""

    words: Sequence[str]
    """Of the command line, after `xaitui train --headless`."""
    killed_in: int = 0
    """The epoch after which its process is killed; 0 lets it end."""


ON_DIGITS = (
    Training(["--name", "baseline", "--epochs", "15"]),
    Training(["--name", "first-net", "--epochs", "15", "--model", "simple-cnn-v1"]),
    Training(["--name", "no-dropout", "--epochs", "15", "--no-dropout", "--lr", "0.003"]),
    Training(["--name", "long", "--epochs", "60", "--schedule", "cosine"], killed_in=9),
)
ON_FILES = (
    Training(["--dataset", "pneumoniamnist", "--augment", "--monitor", "auc", "--fraction", "0.3", "--epochs", "4"]),
)
"""On data that does not come with xaitui."""


STUDY = "rate-and-dropout"
SWEEP = (
    *("sweep", "--name", STUDY, "--dataset", "digits", "--epochs", "8", "--vary", "lr=1e-4..3e-2:log"),
    *("--vary", "dropout=true,false", "--sampler", "tpe", "--trials", "16", "--pruner", "median", "--workers", "2"),
)


def train_all(with_files: bool) -> None:
    """Train every run, the ones on data files first: the list has the newest on top."""
    for training in (*(ON_FILES if with_files else ()), *ON_DIGITS):
        train(training)


def search() -> None:
    """Carry out the study that is seen in a picture.

    Raises:
        subprocess.CalledProcessError: it ended with an error.
    """
    words = [sys.executable, "-m", "xaitui", *SWEEP, f"--runs-dir={RUNS}"]
    subprocess.run(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)


def train(training: Training) -> str:
    """Train one run below the working directory, and return what it printed.

    Raises:
        subprocess.CalledProcessError: it ended with an error.
    """
    words = [
        sys.executable,
        "-m",
        "screenshots.hidden_host",
        "train",
        "--headless",
        f"--runs-dir={RUNS}",
        *training.words,
    ]
    said = []
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "88"}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if training.killed_in and line.removeprefix("epoch").lstrip().startswith(f"{training.killed_in}/"):
                process.kill()
    if process.returncode and not training.killed_in:
        raise subprocess.CalledProcessError(process.returncode, words)
    return "".join(said)
