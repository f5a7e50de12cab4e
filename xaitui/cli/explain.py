"""`xaitui explain`: what a run looked at, by one method or several, and how far to trust it."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from xaitui.catalog.attributions import (
    ATTRIBUTIONS,
    BASELINES,
    DEFAULT_BASELINE,
    DEFAULT_METHODS,
    attribution_info,
)
from xaitui.catalog.splits import OFFERED
from xaitui.cli.arguments import AcceptChanged, DataDir, Device, MovedTo, RunsDir, TrustModel
from xaitui.cli.completion import complete_run, one_of
from xaitui.cli.output.explain import method_lines, record, set_lines
from xaitui.cli.output.explain_two_runs import against_lines, against_record
from xaitui.cli.output.streams import put
from xaitui.cli.output.work_bar import WorkBar
from xaitui.errors import UsageError, nearest
from xaitui.runs.dataset import move_data
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder
from xaitui.text import printable

if TYPE_CHECKING:
    from xaitui.jobs.explain.request import ExplainRequest
    from xaitui.jobs.explain.two_runs import OtherRun
    from xaitui.jobs.predict.splits import HowToPredict
    from xaitui.runs.directory import RunDirectory
    from xaitui.runs.explanations.maps import Explained
    from xaitui.runs.explanations.two_runs import Against

EVERYTHING = "all"


def command(
    word: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="An id or its beginning, a name, a path, last, or best:val_auc.",
            autocompletion=complete_run,
        ),
    ] = "",
    methods: Annotated[bool, typer.Option("--methods", help="Only list the methods: needs, cost, limits.")] = False,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="A,B",
            help="Methods by name, or all of them.",
            autocompletion=one_of([*ATTRIBUTIONS, EVERYTHING]),
        ),
    ] = ",".join(DEFAULT_METHODS),
    samples: Annotated[
        str,
        typer.Option(
            "--samples", help="Which: mistakes:N, uncertain:N, correct:N, random:N, class:NAME:N, idx:5,9, or all."
        ),
    ] = "mistakes:8",
    split: Annotated[
        str,
        typer.Option("--split", help="Whose images: test, val or train.", autocompletion=one_of(OFFERED)),
    ] = "test",
    target: Annotated[
        str, typer.Option("--target", metavar="CLASS", help="The class to explain: predicted, true, or one by name.")
    ] = "predicted",
    layer: Annotated[str, typer.Option("--layer", help="What Grad-CAM looks at; chosen by the size of maps.")] = "",
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline",
            help=f"What an image is compared with: {', '.join(BASELINES)}.",
            autocompletion=one_of(BASELINES),
        ),
    ] = DEFAULT_BASELINE,
    steps: Annotated[
        int, typer.Option("--steps", min=1, max=800, help="Of integrated gradients at first; doubled as needed.")
    ] = 50,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of noise, and of images that are drawn.")] = 0,
    against: Annotated[
        str,
        typer.Option(
            "--against",
            metavar="RUN",
            help="Explain by this run too, and show where the maps differ.",
            autocompletion=complete_run,
        ),
    ] = "",
    absolute: Annotated[bool, typer.Option("--absolute", help="Pictures show sizes, not signs.")] = False,
    no_scores: Annotated[
        bool, typer.Option("--no-scores", help="Only maps; nothing on how far to trust them.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    device: Device = "auto",
    data_dir: DataDir = "",
    trust_model: TrustModel = False,
    moved_to: MovedTo = "",
    accept_changed: AcceptChanged = False,
    runs_dir: RunsDir = None,
) -> int:
    """Explain images of a run: maps, pictures and scores, kept in its folder."""
    if methods:
        return _list(as_json=json)
    if not word:
        raise UsageError("name the run to explain, or list the methods: xaitui explain --methods")
    names = _names(method)
    if baseline not in BASELINES:
        raise UsageError(f"--baseline cannot be {printable(baseline)!r}{nearest(baseline, BASELINES)}")
    run = find_run(word, runs_folder(runs_dir))
    other = find_run(against, runs_folder(runs_dir)) if against else None
    if other == run:
        raise UsageError("--against takes another run than the one that is explained")
    if moved_to:
        move_data(run, moved_to, accept_changed=accept_changed)
    from xaitui.jobs.explain.request import ExplainRequest
    from xaitui.jobs.predict.splits import HowToPredict

    request = ExplainRequest(
        names, samples, split, target, layer, baseline, steps, seed, absolute, not no_scores, method == EVERYTHING
    )
    return _carry_out(run, other, request, HowToPredict(device, data_dir, trust_model, accept_changed), as_json=json)


def _names(text: str) -> tuple[str, ...]:
    """The methods that a user named.

    Raises:
        UsageError: there is no such method.
    """
    if text == EVERYTHING:
        return tuple(ATTRIBUTIONS)
    return tuple(dict.fromkeys(attribution_info(name.strip()).name for name in text.split(",")))


def _list(*, as_json: bool) -> int:
    for line in method_lines(as_json=as_json):
        put(line)
    return 0


def _carry_out(
    run: RunDirectory, other: RunDirectory | None, request: ExplainRequest, how: HowToPredict, *, as_json: bool
) -> int:
    sets, pairs = [], []
    with WorkBar("explaining") as bar:
        from xaitui.jobs.explain.request import carry_out
        from xaitui.jobs.explain.two_runs import OtherRun  # torch is paid for by whoever explains

        beside = OtherRun(run, other, bar.say, how) if other is not None else None
        for explained in carry_out(run, request, bar.say, how, bar.show):
            sets.append(record(explained))
            compared = _compare(beside, explained, request, bar.say) if beside is not None else None
            lines = list(set_lines(explained))
            if compared is not None:
                pairs.append(against_record(compared))
                lines += against_lines(compared, explained.classes)
            if not as_json:
                bar.put(lines)
    if as_json:
        put(json_module.dumps({"run": run.id, "sets": sets, "against": pairs}, allow_nan=False))
    return 0


def _compare(
    other: OtherRun, explained: Explained, request: ExplainRequest, say: Callable[[str], None]
) -> Against | None:
    """The same images by the other run; None where its model cannot be explained so and all methods are asked for."""
    try:
        return other.compare(explained, layer=request.layer)
    except UsageError as error:
        if not request.skipping:
            raise
        say(f"left out: {error}")
        return None
