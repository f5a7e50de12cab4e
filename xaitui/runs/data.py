"""The data that a run was made with, for those who look at it: nothing here needs torch."""

from __future__ import annotations

from xaitui.config.schema import RunConfig
from xaitui.config.toml import from_toml, read_resolved
from xaitui.data.dataset import Dataset
from xaitui.data.open import open_dataset
from xaitui.errors import DataError, XaituiError
from xaitui.files import trouble_of
from xaitui.runs.directory import RunDirectory
from xaitui.runs.environment import changed_files
from xaitui.runs.preprocessing import grey_range_of


def data_rules(run: RunDirectory) -> int:
    """The version of the rules by which the data of a run were read.

    Raises:
        UsageError: its configuration is no TOML.
        OSError: it cannot be read.
    """
    rules = read_resolved(run.config).get("data_rules", 1)
    return rules if isinstance(rules, int) else 1


def open_data(run: RunDirectory, *, data_dir: str = "") -> Dataset:
    """The data set of a run, with the splits that it had.

    Args:
        run: the run.
        data_dir: folder where its files are looked for first; that of the run where it is not given.

    Raises:
        DataError: it is not here, or not what the run was made with.
    """
    try:
        config: RunConfig = from_toml(run.config.read_text(encoding="utf-8"))
        data = config.data
        found = open_dataset(
            data.dataset, size=data.size, data_dir=data_dir or data.data_dir, val_fraction=data.val_fraction,
            fraction=data.fraction, seed=config.training.seed, image_size=data.image_size, rules=data_rules(run),
            skip_damaged=data.skip_damaged, grey_range=grey_range_of(run.preprocessing),
        )  # fmt: skip
    except OSError as error:
        raise DataError(trouble_of(error, run.config)) from None
    except (UnicodeDecodeError, XaituiError) as error:
        raise DataError(str(error)) from None
    if changed := changed_files(run.environment, found.files):
        raise DataError(changed[0])
    return found
