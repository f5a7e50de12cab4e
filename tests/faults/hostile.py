"""Hostile text: runs and studies whose every word is one that a terminal, a screen, a page or a shell acts upon."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from tests.builders.events import epoch_finished, epoch_started, finished, started, step
from tests.builders.maps import explained, watched
from tests.builders.predictions import CLASSES, predict, right_but
from tests.builders.runs import made_run
from tests.builders.studies import ended_trial, made_study
from xaitui.catalog.records import Task
from xaitui.cli.app import run as run_command
from xaitui.events import Event, Note
from xaitui.runs.preprocessing import Preprocessing, write_preprocessing
from xaitui.studies.trials import plan

TEXTS: dict[str, str] = {
    "clipboard": "\x1b]52;c;aGk=\x07",
    "title": "\x1b]0;owned\x1b\\",
    "colour": "\x1b[31mred\x1b[0m",
    "screen wiped": "\x1b[2J\x1b[H",
    "C1 controls": "\x9b31mred\x9d0;owned\x9c",
    "overwritten line": "fine\rbad\x08\x7f",
    "lines": "fine\nxaitui: forged\u2028forged\x85forged",
    "direction turned": "\u202egnp.exe\u2066\u200f",
    "invisible": "a\u200bb\ufeffc\U000e0041",
    "half a character": "\udc80\ud800",
    "markup": "[red]red[/red][/][bold",
    "link in markup": "[link=http://x.invalid]here[/link]",
    "action in markup": "[@click=app.bell]here[/]",
    "action of a screen": "[@click=screen.dismiss('x')]here[/]",
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>\"'",
    "link in Markdown": "[here](javascript:alert(1)) | `x` | **b**",
    "formula": "=cmd|'/C calc'!A0",
    "path": "../../../tmp/owned",
    "absolute path": "/tmp/owned",
    "shell": "$(touch owned); `touch owned` %s {0} {x!r}",
    "very long": "wide \u5bbd " * 400,
}
"""What each would do to whom it reaches unguarded."""

Said = TypeVar("Said", bound=Event)

OLDER, NEWER = "20260301-101010-digits-aaaa", "20260302-101010-digits-bbbb"

REPORT = ("report", NEWER, OLDER, "--out", "{out}/report.html", "--markdown", "{out}/report.md")
"""The one that loads matplotlib, and is tried less often."""

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("runs", "ls"),
    ("runs", "ls", "--json"),
    ("runs", "show", NEWER),
    ("runs", "show", NEWER, "--json"),
    ("attach", NEWER, "--plain"),
    ("attach", NEWER, "--json"),
    ("compare", NEWER, OLDER),
    ("compare", NEWER, OLDER, "--markdown"),
    ("compare", NEWER, OLDER, "--csv"),
    ("compare", NEWER, OLDER, "--json"),
    ("evaluate", NEWER),
    ("evaluate", NEWER, "--json"),
    ("evaluate", NEWER, "--mistakes", "5", "--csv", "{out}/images.csv"),
    ("explain", NEWER, "--list"),
    ("resume", NEWER),
    ("sweep", "ls"),
    ("sweep", "status", "rates"),
    ("data", "ls"),
)
"""Every command that shows what runs and studies say; {out} is a folder for what they write."""


def make_hostile(runs_dir: Path, text: str) -> Path:
    """Two runs, and a study with a trial, whose every field that holds words holds `text`; returns `runs_dir`."""
    first = _said(started(epochs=1), text)
    first = replace(first, monitor="accuracy", mode="max")
    words = (Note(message=text), first, epoch_started(1, 1), step(10), epoch_finished(1, accuracy=0.8))
    end = _said(finished(epoch=1, step=10, best_epoch=1, best=0.8, test={"accuracy": 0.8, text: 0.5}), text)
    end = replace(end, undefined={"auc": text})
    for name in (OLDER, NEWER):
        run = made_run(runs_dir, name, *words, end)
        predict(run, right_but(2, 10), "test")
        predict(run, right_but(2, 10), "val")
        classes = tuple(f"{number}{text}" for number in range(CLASSES))
        write_preprocessing(run.preprocessing, Preprocessing(Task.MULTI_CLASS, classes, 1, 8, 8, (0.5,), (0.5,)))
        run.environment.write_text(json.dumps({"host": text, "command": [text], "versions": {"torch": text}}))
        run.log.write_text(f"{text}\n", encoding="utf-8", errors="surrogatepass")
        explained(run, "saliency", 0, 0, problem=text, trust={"images": 1, "floors": {}, "badge": text})
        watched(run)
    study = made_study(runs_dir, sampler="grid")
    trial = ended_trial(study, plan(study.read())[0], 0.75)
    trial.log.write_text(text, encoding="utf-8", errors="surrogatepass")
    return runs_dir


def _said(event: Said, text: str) -> Said:
    """The event, with `text` for each of its words."""
    words: dict[str, Any] = {each.name: text for each in fields(event) if each.type == "str"}
    return replace(event, **words)


def one_round(seed: int, folder: Path) -> None:
    """A random mixture of hostile texts and any characters: each command's output is plain lines, and it shows them."""
    draw = random.Random(seed)
    parts = [*draw.sample(list(TEXTS.values()), 3), *(chr(draw.randrange(0x250)) for _ in range(10))]
    draw.shuffle(parts)
    text = "".join(parts)
    make_hostile(folder / "runs", text)
    for words in (*COMMANDS, REPORT):
        require_plain(words, folder, text)


def require_plain(words: Sequence[str], folder: Path, text: str) -> str:
    """Carry out a command on the runs in folder/runs, look at all that it says and writes, and return what it said."""
    before = _files(folder)
    out, errors = io.StringIO(), io.StringIO()
    arguments = [word.format(out=folder) for word in words]
    arguments += ["--runs-dir", str(folder / "runs")] if words[0] != "data" else []
    with redirect_stdout(out), redirect_stderr(errors):
        code = run_command(arguments)
    said = out.getvalue() + errors.getvalue()
    assert code in (0, 1, 2, 3), f"{' '.join(words)}: exit code {code}: {said}"
    assert "Traceback" not in said, said
    bad = sorted({repr(each) for each in said if not each.isprintable() and each != "\n"})
    assert not bad, f"{' '.join(words)}: {', '.join(bad)} of {text!r} reached the terminal"
    assert not re.search("^xaitui: forged|^forged", said, re.MULTILINE), f"{' '.join(words)}: a forged line"
    new = {path for path in _files(folder) - before if not path.is_relative_to(folder / "runs")}
    assert new <= {folder / name for name in ("images.csv", "report.html", "report.md", "report_figures")}, new
    for page in new & {folder / "report.html"}:
        content = page.read_text(encoding="utf-8")
        assert not re.search("<script>alert|<img src=x", content), f"{page.name} holds a script"
    return said


def _files(folder: Path) -> set[Path]:
    """What lies there, and where a hostile path or command would have it."""
    return {
        *folder.glob("*"),
        *folder.rglob("owned"),
        *folder.parent.glob("owned"),
        *Path().glob("owned"),
        *Path("/tmp").glob("owned"),
    }
