"""Whether a run survives: random rounds of every kind of fault, many more than the test suite has time for.

A round makes something go wrong at a moment that its number decides, and then looks at what was promised: that a run
goes on or can go on exactly, that nothing is half written, that the right words and the right exit code come. What
breaks a promise is named with its number, so that `--first NUMBER --rounds 1` shows it again.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.conditions import conditions, write_result

Round = Callable[[int, Path], None]
"""Does one round, decided by its number, in an empty folder; an AssertionError says what was not as promised."""

KINDS: dict[str, str] = {
    "kill": "SIGKILL at random moments, then resume",
    "signals": "a signal at a random moment",
    "terminal": "the terminal dies in a screen of the console",
    "disk": "the disk refuses a write at a random point",
    "writers": "several processes want one run",
    "journals": "damaged journals, 100 in a round",
    "not_finite": "loss, gradient or label goes wrong at a random step",
    "inputs": "damaged input files, 100 in a round",
    "hostile": "names and words that want to be more",
    "clock": "clocks that jump or stand",
    "damage": "the files of a run are damaged at random",
}
"""The files of tests/faults whose `one_round` is called, and what goes wrong in it."""


@dataclass
class Outcome:
    """How the rounds of one kind went."""

    kind: str
    kept: int = 0
    """Rounds in which everything was as promised."""
    broken: dict[int, str] = field(default_factory=dict)
    """Why not, by the number of the round."""
    seconds: float = 0.0

    @property
    def rounds(self) -> int:
        """All of them."""
        return self.kept + len(self.broken)


def carry_out(kind: str, numbers: Sequence[int]) -> Outcome:
    """Do the rounds of a kind, each in a folder of its own that is gone afterwards."""
    one_round: Round = importlib.import_module(f"tests.faults.{kind}").one_round
    outcome, began = Outcome(kind), time.monotonic()
    for number in numbers:
        with tempfile.TemporaryDirectory(prefix=f"{kind}-{number}-", ignore_cleanup_errors=True) as folder:
            try:
                one_round(number, Path(folder))
            except AssertionError as error:
                outcome.broken[number] = str(error)
                print(f"{kind}: round {number}: {error}", flush=True)
            else:
                outcome.kept += 1
    outcome.seconds = time.monotonic() - began
    return outcome


def row(outcome: Outcome) -> str:
    """A line of the table in README.md."""
    return f"| {outcome.kind} | {KINDS[outcome.kind]} | {outcome.kept} of {outcome.rounds} | {outcome.seconds:.0f} s |"


def main() -> None:
    """Command line: which kinds, and how many rounds of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument("--only", nargs="*", choices=KINDS, default=list(KINDS), help="kinds of faults")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.rounds)
    outcomes = []
    for kind in options.only:
        outcomes.append(carry_out(kind, numbers))
        print(row(outcomes[-1]), flush=True)
    result = {"conditions": conditions(["torch", "textual"]), "outcomes": [asdict(each) for each in outcomes]}
    print(f"written to {write_result('faults', result)}")
    if any(each.broken for each in outcomes):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
