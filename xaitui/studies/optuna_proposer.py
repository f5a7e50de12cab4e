"""Optuna as the one who proposes: it is asked for points and told what became of them; what counts are the runs.

Its storage holds nothing that the run directories do not say: each look tells it what it does not know yet, so that a
storage that was lost is made again, and a trial whose process was killed is not left open.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from xaitui.config.command_line import setting_text
from xaitui.config.schema import FIELDS
from xaitui.errors import UsageError, XaituiError
from xaitui.metrics.statistics import spread
from xaitui.seeds import derive_seed
from xaitui.studies.definition import Study
from xaitui.studies.folder import StudyFolder
from xaitui.studies.search_points import Point, values_of
from xaitui.studies.space import Choices, Dimension
from xaitui.studies.status import PointStanding, StudyStanding, TrialState
from xaitui.studies.trials import point_key, trials_of

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

POINT = "xaitui:point"
"""Attribute of an Optuna trial that says which point it is."""
PATIENCE = 20
"""Points that are asked for in vain, for they were tried before, until one is taken that was not."""
MOST_LISTED = 100_000


class Proposer:
    """Optuna's study beside ours. Its methods are called by one process at a time (`StudyFolder.locked`)."""

    def __init__(self, folder: StudyFolder, study: Study) -> None:
        """Open the storage, or make it.

        Raises:
            UsageError: it cannot be opened or written, or holds another study of the same name.
        """
        self._ours = study
        self._distributions = {path: _distribution(path, item) for path, item in study.space.items()}
        with _told(f"cannot use the storage {study.storage or folder.journal}", UsageError):
            self._study = _open(folder, study)

    def sync(self, standing: StudyStanding) -> None:
        """Tell what became of each point, and add the points that Optuna does not know.

        Raises:
            XaituiError: the storage fails.
        """
        with _told("Optuna's storage failed"):
            open_trials, known = self._known()
            for point in standing.points:
                key = point_key(point.trials[0].trial.config)
                if key in open_trials:
                    self._tell(open_trials.pop(key), point)
                elif key not in known:
                    self._add(key, point)
            for number in open_trials.values():
                self._study.tell(number, state=_states().FAIL)

    def propose(self, standing: StudyStanding) -> Point | None:
        """A point that was not tried before; None where there is none left.

        Raises:
            XaituiError: the storage fails.
        """
        tried = {point_key(each.trials[0].trial.config): each for each in standing.points}
        with _told("Optuna's storage failed"):
            for _ in range(PATIENCE):
                asked = self._ask()
                point = {path: _value(self._ours.space[path], path, asked.params[path]) for path in self._ours.space}
                key = point_key(trials_of(self._ours, point)[0].config)
                asked.set_user_attr(POINT, key)
                if key not in tried:
                    return point
                self._tell(asked.number, tried[key])
            return self._untried(tried.keys())

    def watch(self, key: str) -> Pruning | None:
        """What decides whether a run of the point is given up; None where nothing is, or it is not known."""
        if self._ours.pruner == "none":
            return None
        with _told("Optuna's storage failed"):
            number = self._known()[0].get(key)
            if number is None:
                return None
            import optuna

            frozen = self._study.get_trials(deepcopy=False)[number]
            return Pruning(optuna.trial.Trial(self._study, frozen._trial_id), self._ours.objectives[0].metric)

    def _known(self) -> tuple[dict[str, int], set[str]]:
        """The trials that are open, by their point, and the points of those that are not."""
        open_trials: dict[str, int] = {}
        known: set[str] = set()
        for trial in self._study.get_trials(deepcopy=False):
            key = str(trial.user_attrs.get(POINT, f"number {trial.number}"))
            if trial.state.is_finished():
                known.add(key)
            elif trial.state == _states().RUNNING:
                open_trials[key] = trial.number
        return open_trials, known

    def _ask(self) -> optuna.Trial:
        self._study.sampler = _sampler(self._ours, len(self._study.get_trials(deepcopy=False)))
        return self._study.ask(self._distributions)

    def _add(self, key: str, point: PointStanding) -> None:
        """A point that stands in the runs and not in the storage."""
        params = {path: _coded(path, point.point[path]) for path in self._ours.space}
        self._study.enqueue_trial(params, user_attrs={POINT: key})
        asked = self._ask()
        if asked.params == params:
            self._tell(asked.number, point)

    def _tell(self, number: int, point: PointStanding) -> None:
        """Close a trial whose runs are over."""
        if len(point.trials) < self._ours.seeds or not all(each.state.is_over for each in point.trials):
            return
        values = [spread([each.values[i] for each in point.trials]).mean for i in range(len(self._ours.objectives))]
        states = {each.state for each in point.trials}
        if TrialState.PRUNED in states:
            self._study.tell(number, state=_states().PRUNED)
        elif TrialState.FINISHED in states and not any(map(math.isnan, values)):
            self._study.tell(number, values)
        else:
            self._study.tell(number, state=_states().FAIL)

    def _untried(self, tried: Sequence[str] | Any) -> Point | None:
        """A point of a small space that nobody proposed."""
        if size_of(self._ours) > MOST_LISTED:
            return None
        lists = [values_of(dimension) for dimension in self._ours.space.values()]
        for values in itertools.product(*lists):
            point = dict(zip(self._ours.space, values, strict=True))
            if point_key(trials_of(self._ours, point)[0].config) not in tried:
                return point
        return None


class Pruning:
    """Follows one run of a point, and says when to give it up."""

    def __init__(self, trial: optuna.Trial, metric: str) -> None:
        self._trial = trial
        self._metric = metric

    def gives_up(self, epoch: int, scores: dict[str, float]) -> bool:
        """Whether the run is given up after this epoch.

        Raises:
            XaituiError: the storage fails.
        """
        value = scores.get(self._metric, math.nan)
        if math.isnan(value):
            return False
        with _told("Optuna's storage failed"):
            self._trial.report(value, epoch)
            return bool(self._trial.should_prune())


def check_storage(study: Study) -> None:
    """Open the storage that a study names, before a folder of that name is made.

    Raises:
        UsageError: it cannot be opened or written.
    """
    import optuna

    with _told(f"cannot use the storage {study.storage}", UsageError):
        optuna.storages.get_storage(study.storage)


def size_of(study: Study) -> float:
    """How many points a space has; infinite where it has a range without a step."""
    return math.prod(
        len(values_of(item)) if isinstance(item, Choices) or item.step else math.inf for item in study.space.values()
    )


def _states() -> Any:
    from optuna.trial import TrialState as OptunaState

    return OptunaState


@contextlib.contextmanager
def _told(what: str, kind: type[XaituiError] = XaituiError) -> Iterator[None]:
    """Say in one line what a storage raises."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OptunaError, SQLAlchemyError, OSError, ImportError) as error:
        reason = str(error.strerror or error) if isinstance(error, OSError) else str(error)
        root = error.__cause__ or error
        reason = str(root).splitlines()[0] if isinstance(root, SQLAlchemyError) else reason.splitlines()[0]
        raise kind(f"{what}: {reason}") from None


def _open(folder: StudyFolder, study: Study) -> optuna.Study:
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if study.storage:
        storage: optuna.storages.BaseStorage = optuna.storages.get_storage(study.storage)
    else:
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder.journal)))
    opened = optuna.create_study(
        storage=storage,
        study_name=study.name,
        load_if_exists=True,
        pruner=_pruner(study),
        sampler=_sampler(study, 0),
        directions=["maximize" if each.direction == "max" else "minimize" for each in study.objectives],
    )
    wanted = [each.direction == "max" for each in study.objectives]
    if [direction.name == "MAXIMIZE" for direction in opened.directions] != wanted:
        raise UsageError(f"the storage has a study {study.name!r} with other objectives; choose another --name")
    return opened


def _sampler(study: Study, number: int) -> optuna.samplers.BaseSampler:
    """Seeded by how much is known, so that a process that begins later does not propose the same again."""
    from optuna import samplers

    seed = derive_seed(study.base.training.seed, "sampler", number) % (1 << 32)
    match study.sampler:
        case "cma-es":
            return samplers.CmaEsSampler(seed=seed)
        case "nsga2":
            return samplers.NSGAIISampler(seed=seed)
        case _:
            return samplers.TPESampler(seed=seed, constant_liar=True, multivariate=True)


def _pruner(study: Study) -> optuna.pruners.BasePruner:
    from optuna import pruners

    match study.pruner:
        case "median":
            return pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1)
        case "asha":
            return pruners.SuccessiveHalvingPruner()
        case "hyperband":
            return pruners.HyperbandPruner(max_resource=study.base.training.epochs)
        case _:
            return pruners.NopPruner()


def _distribution(path: str, dimension: Dimension) -> BaseDistribution:
    from optuna import distributions

    if isinstance(dimension, Choices):
        return distributions.CategoricalDistribution([_coded(path, value) for value in dimension.values])
    if dimension.whole:
        step = int(dimension.step) or 1
        return distributions.IntDistribution(int(dimension.low), int(dimension.high), dimension.log, step)
    return distributions.FloatDistribution(dimension.low, dimension.high, dimension.log, dimension.step or None)


def _coded(path: str, value: Any) -> Any:
    """A value as Optuna can keep it."""
    return setting_text(FIELDS[path], value) if isinstance(value, tuple) else value


def _value(dimension: Dimension, path: str, coded: Any) -> Any:
    if isinstance(dimension, Choices):
        return next(value for value in dimension.values if _coded(path, value) == coded)
    return coded
