"""Make the pictures of the README from real runs: `python -m screenshots.make`.

A few short runs are trained, then the console is opened on them, on a terminal that nobody sees, and photographed;
each picture is an SVG and a PNG.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from screenshots.environment import RUNS, settle

FOLDER = Path(__file__).parent.resolve()
PICTURES = ("runs", "new_run", "live", "compare", "study", "gpu", "data", "plot")
"""Of the console, in the README."""
MORE = ("help", "leave", "confirm", "palette", "looks")
"""Of the console, made where they are named."""


def main() -> None:
    """Make what the command line asks for."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home, out = Path(options.home or temporary).resolve(), options.out.resolve()
        home.mkdir(parents=True, exist_ok=True)
        settle(home, options.data_dir)
        make(options, out)


def make(options: argparse.Namespace, out: Path) -> None:
    """Train what is missing, and take the pictures; nothing of xaitui is loaded before the process has settled."""
    from screenshots.headless import photograph_command
    from screenshots.pictures import photograph
    from screenshots.training import STUDY, search, train_all

    out.mkdir(parents=True, exist_ok=True)
    names = set(options.names) or {"headless", *PICTURES}
    if "looks" in names:
        from screenshots.looks import photograph_looks

        asyncio.run(photograph_looks(out, options.size, options.theme))
        names.discard("looks")
    if names - {"headless"}:
        if not any(RUNS.glob("*-long-*")):
            train_all(with_files=options.data_dir is not None)
        if "study" in names and not (RUNS / "studies" / STUDY).exists():
            search()
        dataset = "pneumoniamnist" if options.data_dir is not None else "digits"
        asyncio.run(photograph(out, options.size, options.theme, dataset, names))
    if "headless" in names:
        photograph_command(out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m screenshots.make", description="Make the pictures of the README.")
    known = ("headless", *PICTURES, *MORE)
    parser.add_argument("names", nargs="*", choices=[*known, []], metavar="NAME", help=f"some of {', '.join(known)}")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the pictures")
    parser.add_argument("--size", type=_size, default=(120, 36), help="of the terminal: COLUMNSxROWS")
    parser.add_argument("--theme", default="", choices=("", "dark", "light", "contrast"), help="of the console")
    parser.add_argument(
        "--data-dir", type=Path, help="has pneumoniamnist, for a run on it too, and its images; and mnist"
    )
    parser.add_argument("--home", type=Path, help="a folder that keeps the runs for the next time")
    return parser


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    return int(columns), int(rows)


if __name__ == "__main__":
    main()
