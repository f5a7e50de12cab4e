"""Read the test split with a finished run's best weights: for a study, once its choice has been made."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from xaitui.config.toml import read_resolved
from xaitui.errors import XaituiError
from xaitui.events import Evaluated, Note
from xaitui.jobs.failures import failure_of
from xaitui.jobs.prepare import Say, prepare
from xaitui.jobs.train.final_evaluation import Ending, judge_best
from xaitui.runs.dataset import with_place
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import JournalWriter
from xaitui.runs.log import logging_to
from xaitui.runs.preprocessing import grey_range_of
from xaitui.runs.recorded_data import find_place, require_same
from xaitui.stop import Stop
from xaitui.training.checkpoint import load_checkpoint
from xaitui.training.resolve import Resolved


def score_test(
    run: RunDirectory, stop: Stop, say: Say, *, data_dir: str = "", accept_changed: bool = False
) -> Evaluated:
    """Test the best weights of a run that the caller owns; scores and predictions are kept with the run.

    Args:
        run: the run; the source of a model of its own is executed.
        stop: asked while a GPU is waited for.
        say: told what takes long.
        data_dir: folder where the data files are looked for first; that of the run where it is not given.
        accept_changed: whether data that differ from the run's are accepted; the journal then notes it.

    Raises:
        XaituiError: its files or the data cannot be used.
    """
    config = run.read_config()
    resolved = Resolved.from_table(read_resolved(run.config))
    config = with_place(config, find_place(run, config.data.dataset))
    if data_dir:
        config = config.model_copy(update={"data": config.data.model_copy(update={"data_dir": data_dir})})
    source = run.model_source if run.model_source.exists() else None
    with logging_to(run.log):
        try:
            plain = replace(resolved, compile=False, cuda_graph=False)  # nothing is trained
            prepared = prepare(
                config, stop, say, resolved=plain, model_source=source, grey_range=grey_range_of(run.preprocessing)
            )
            found = require_same(run, config.data.dataset, prepared.dataset, accept=accept_changed)
            remarks = [Note(message=f"test is read from changed data: {found.content}")] if found.content else []
            prepared.trainer.restore(load_checkpoint(run.last))
            ending = Ending()
            for event in chain(remarks, judge_best(prepared.trainer, prepared, run, ending, ("test",))):
                journal = JournalWriter(run.journal)
                journal.append(event)
                journal.sync()
                journal.close()
        except (XaituiError, OSError, MemoryError, RuntimeError, KeyError, ValueError) as error:
            raise failure_of(error, run.path) from error
    assert ending.test is not None  # it was asked for
    return ending.test
