"""Every command of the console: one table that makes the keys, the key bar, the help and the palette."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Command:
    """A row of the table."""

    screen: str
    """The screen that carries it out, by its NAME; "app" everywhere."""
    action: str
    """Name of the method ``action_<name>``, with arguments where it takes some."""
    keys: str
    """As Textual spells them, comma-separated; the first one is shown."""
    label: str
    """A word or two for the key bar; empty for keys that need no telling there."""
    help: str
    """A line for the help and the palette."""
    acts: bool = False
    """Whether it changes a run, a file or the disk: refused with --readonly."""
    everywhere: bool = False
    """Whether it works while a field has the focus: for keys that write nothing."""

    def without(self, taken: Collection[str]) -> Command:
        """The command by the keys that are not taken by another one; by its own where all are."""
        return replace(self, keys=",".join(key for key in self.keys.split(",") if key not in taken) or self.keys)


COMMANDS: tuple[Command, ...] = (
    Command("app", "leave", "q,ctrl+q,ctrl+c", "leave", "Leave the console; a run that is going on can be kept."),
    Command("app", "help", "question_mark,f1", "help", "Show what the keys of this screen do."),
    Command("app", "command_palette", "ctrl+p", "", "Search all commands."),
    Command("app", "back", "escape", "back", "Go back to the screen before.", everywhere=True),
    Command("app", "go('gpu')", "G", "", "The GPUs, or the processors, of this machine."),
    Command("app", "go('data')", "D", "", "The datasets, and what of them is here."),
    Command("app", "go('studies')", "W", "", "The studies: many settings tried, as `xaitui sweep` does."),
    Command("app", "next_theme", "T", "", "The next theme: dark, light, high contrast."),
    # -- the list of runs
    Command("runs", "open", "enter", "open", "Open the run under the cursor."),
    Command("runs", "new", "n", "new", "Set up a new run.", acts=True),
    Command("runs", "filter", "slash", "filter", "Filter: words, dataset:path model:xcep state:failed val_acc>0.98."),
    Command("runs", "sort", "s", "sort", "Sort by the next column."),
    Command("runs", "reverse", "o", "", "Reverse the order."),
    Command("runs", "group", "g", "group", "Group by dataset, model or state."),
    Command("runs", "mark", "space", "mark", "Mark the run, for comparing or removing."),
    Command("runs", "compare", "c", "compare", "Compare the marked runs."),
    Command("runs", "evaluate", "E", "evaluate", "How good the run is, and where it is wrong."),
    Command("runs", "explain", "X", "explain", "What the run under the cursor looks at."),
    Command("runs", "clone", "C", "clone", "A new run with the settings of this one.", acts=True),
    Command("runs", "resume", "R", "resume", "Resume the run from its last checkpoint, if confirmed.", acts=True),
    Command("runs", "delete", "delete,x", "delete", "Remove the marked runs, or this one, if confirmed.", acts=True),
    Command("runs", "refresh", "f5", "", "Read everything anew."),
    Command("runs", "cursor_down", "j", "", "Down."),
    Command("runs", "cursor_up", "k", "", "Up."),
    # -- a new run
    Command("new", "start", "ctrl+s", "start", "Start the run.", acts=True, everywhere=True),
    Command("new", "measure", "ctrl+o", "measure", "Take a few real steps: speed, time, memory.", everywhere=True),
    Command("new", "copy", "ctrl+y", "copy line", "Copy the command line.", everywhere=True),
    Command("new", "paste", "ctrl+v", "paste line", "Paste a command line into the form.", everywhere=True),
    Command("new", "preset", "ctrl+l", "preset", "Choose a preset.", everywhere=True),
    Command("new", "augment", "ctrl+g", "augment", "The augmentations that suit the dataset.", everywhere=True),
    Command("new", "default", "ctrl+r", "default", "Put the field back to its default.", everywhere=True),
    Command("new", "next_group", "ctrl+n,f3", "next group", "The next group of settings.", everywhere=True),
    Command("new", "previous_group", "ctrl+b,f2", "", "The group of settings before.", everywhere=True),
    Command("new", "cards", "ctrl+t", "cards", "Show the dataset and the model.", everywhere=True),
    Command("new", "fetch", "ctrl+d", "download", "Download the dataset.", acts=True, everywhere=True),
    Command("new", "discard", "f4", "reset", "Discard the draft: all settings at their defaults.", everywhere=True),
    Command("new", "stay", "q", "", "Nothing: in a form q is only a letter."),
    # -- a run
    Command("live", "pause", "p", "pause", "Pause, or go on.", acts=True),
    Command("live", "save", "w", "save", "Write a checkpoint now.", acts=True),
    Command("live", "stop", "S", "stop", "Stop training now, if confirmed: save, test the best weights.", acts=True),
    Command("live", "stop_after_epoch", "L", "last epoch", "Stop training after this epoch, if confirmed.", acts=True),
    Command("live", "resume", "R", "resume", "Resume the run from its last checkpoint, if confirmed.", acts=True),
    Command("live", "change_view('log')", "y", "log", "Logarithmic or linear loss."),
    Command("live", "change_view('smoothing')", "m", "smooth", "Smooth the curves: off, a little, a lot."),
    Command("live", "change_view('x')", "x", "x axis", "Steps, epochs or time along the x axis."),
    Command("live", "next_score", "v", "score", "The next score in the second plot."),
    Command("live", "pane('plots')", "1", "plots", "Plots on or off."),
    Command("live", "pane('epochs')", "2", "epochs", "The last epochs on or off."),
    Command("live", "pane('log')", "3", "log", "The log on or off."),
    Command("live", "pane('gpu')", "4", "gpu", "The GPU panel on or off."),
    Command("live", "clone", "C", "clone", "A new run with the settings of this one.", acts=True),
    Command("live", "evaluate", "E", "evaluate", "How good the run is, and where it is wrong."),
    Command("live", "explain", "X", "explain", "What the run looks at."),
    Command("live", "training_maps", "t", "maps", "What it looked at after each epoch."),
    # -- one plot
    Command("plot", "change_view('log')", "y", "log", "Logarithmic or linear."),
    Command("plot", "change_view('smoothing')", "m", "smooth", "Smooth the curves: off, a little, a lot."),
    Command("plot", "change_view('x')", "x", "x axis", "Steps, epochs or time along the x axis."),
    Command("plot", "cursor(-1)", "left,h", "cursor", "Move the cursor to the left."),
    Command("plot", "cursor(1)", "right,l", "", "Move the cursor to the right."),
    Command("plot", "cursor(-10)", "shift+left", "", "Move the cursor ten columns to the left."),
    Command("plot", "cursor(10)", "shift+right", "", "Move the cursor ten columns to the right."),
    Command("plot", "cursor_to('start')", "home", "", "The cursor to the first point."),
    Command("plot", "cursor_to('end')", "end", "", "The cursor to the last point."),
    # -- comparing
    Command("compare", "difference(False)", "n", "next diff", "The next setting that differs."),
    Command("compare", "difference(True)", "N", "", "The setting before that differs."),
    Command("compare", "pin", "p", "baseline", "Make the run under the cursor the baseline."),
    Command("compare", "two_runs", "X", "maps", "What the baseline and the run under the cursor look at."),
    Command("compare", "next_score", "v", "score", "The next score in the plot."),
    Command("compare", "change_view('log')", "y", "log", "Logarithmic or linear."),
    Command("compare", "change_view('smoothing')", "m", "smooth", "Smooth the curves: off, a little, a lot."),
    Command("compare", "change_view('x')", "x", "x axis", "Steps, epochs or time along the x axis."),
    Command("compare", "enlarge", "enter", "enlarge", "The plot on the whole screen."),
    # -- how good a run is
    Command("evaluate", "pane('scores')", "1", "scores", "The scores of all images, and of each class."),
    Command("evaluate", "pane('confusion')", "2", "confusion", "Which class is taken for which; enter shows a cell."),
    Command("evaluate", "pane('calibration')", "3", "calibration", "Whether it is as often right as it says."),
    Command("evaluate", "pane('curves')", "4", "curves", "ROC and precision-recall of the class under the cursor."),
    Command("evaluate", "pane('selective')", "5", "selective", "Accuracy where unsure answers may be left out."),
    Command("evaluate", "split", "v,s", "split", "The next split: test, validation, what else was predicted."),
    Command("evaluate", "toggle_shares", "r", "shares", "Counts in the matrix, or shares of the true class."),
    Command("evaluate", "class(1)", "down,j", "", "The curves of the next class."),
    Command("evaluate", "class(-1)", "up,k", "", "The curves of the class before."),
    Command("evaluate", "mistakes", "m", "mistakes", "Go through the images that were wrong."),
    Command("evaluate", "explain", "X", "explain", "What the run looks at."),
    Command("evaluate", "compute", "c", "compute", "Compute missing predictions, in a process of its own.", acts=True),
    # -- where it is wrong
    Command("mistakes", "move(1)", "j", "", "The next image."),
    Command("mistakes", "move(-1)", "k", "", "The image before."),
    Command("mistakes", "ranking", "m", "list", "Misclassified images, the least certain, or suspicious labels."),
    Command("mistakes", "pair", "f", "classes", "Only images of one class that are taken for another."),
    Command("mistakes", "export", "e", "export", "Write the list as CSV and PNG beside the predictions.", acts=True),
    Command("mistakes", "explain", "x,X", "explain", "What the run looked at in this image."),
    # -- what a run looks at
    Command("explain", "sample(1)", "down,j", "image", "The next image."),
    Command("explain", "sample(-1)", "up,k", "", "The image before."),
    Command("explain", "images", "f", "images", "Go through mistakes, uncertain ones, suspicious ones, all."),
    Command("explain", "split", "v", "split", "Images of test, validation or training."),
    Command("explain", "target", "c", "class", "Explain the predicted class, the true one, or the next best."),
    Command("explain", "choose_target", "C", "", "Explain any class."),
    Command("explain", "methods", "m", "methods", "Choose methods; what each needs, costs and does not show."),
    Command("explain", "shift(1)", "right", "", "The next methods, where there is no room for all."),
    Command("explain", "shift(-1)", "left", "", "The methods before."),
    Command("explain", "layer", "l", "layer", "Choose the layer of Grad-CAM."),
    Command("explain", "absolute", "a", "signs", "Maps with their signs, or magnitudes."),
    Command("explain", "overlay", "o", "overlay", "Maps over their image, or alone."),
    Command(
        "explain", "judge", "t", "trust", "Hold the methods against random, edge and centre maps; may take minutes."
    ),
    Command(
        "explain", "sharper", "p", "", "The kept pictures in the terminal's own graphics; the console steps aside."
    ),
    Command("explain", "again", "r", "", "Try once more what could not be computed."),
    Command("explain", "training_maps", "x", "training", "What it looked at after each epoch of its training."),
    # -- what a run looked at, after each epoch
    Command("training_maps", "epoch(-1)", "left,h", "epoch", "The epoch before."),
    Command("training_maps", "epoch(1)", "right,l", "", "The next epoch; after the last one, those that come."),
    Command("training_maps", "epoch_to('start')", "home", "", "The first epoch."),
    Command("training_maps", "epoch_to('end')", "end", "", "The last epoch."),
    Command("training_maps", "sample(1)", "down,j", "image", "The next image."),
    Command("training_maps", "sample(-1)", "up,k", "", "The image before."),
    Command("training_maps", "all", "g", "all", "All images, or one."),
    Command(
        "training_maps", "alarm", "n", "next alarm", "The next epoch at which accuracy stands still, but the maps move."
    ),
    Command("training_maps", "overlay", "o", "overlay", "Maps over their image, or alone."),
    # -- what two runs look at
    Command("two_runs", "sample(1)", "down,j", "image", "The next image."),
    Command("two_runs", "sample(-1)", "up,k", "", "The image before."),
    Command("two_runs", "epoch(-1)", "left,h", "epoch", "The epoch before, of both."),
    Command("two_runs", "epoch(1)", "right,l", "", "The next epoch; at last the last one of each."),
    Command("two_runs", "overlay", "o", "overlay", "Maps over their image, or alone."),
    # -- the studies
    Command("studies", "open", "enter", "open", "Open the study under the cursor."),
    Command("studies", "new", "n", "new", "Set up a new study.", acts=True),
    Command("studies", "clone", "C", "clone", "A new study with the definition of this one.", acts=True),
    # -- a study
    Command("study", "open", "enter", "open", "Open the trial as a run; a setting's runs beside each other."),
    Command("study", "mark", "space", "mark", "Mark the trial, for comparing."),
    Command("study", "compare", "c", "compare", "Compare the marked trials."),
    Command("study", "layout", "g", "settings", "A row for each trial, or for each setting over its seeds."),
    Command("study", "sort", "s", "sort", "Sort by the next column."),
    Command("study", "next_plot", "v", "plot", "The next plot: curves, scores by a setting, the best so far."),
    Command("study", "next_setting", "p", "by setting", "Scores against the next of the varied settings."),
    Command("study", "previous_setting", "P", "", "Scores against the setting before."),
    Command("study", "change_view('log')", "y", "log", "Logarithmic or linear."),
    Command("study", "change_view('x')", "x", "", "Steps, epochs or time along the curves."),
    Command("study", "enlarge", "z", "enlarge", "Give the plot the room of the table, or back."),
    Command("study", "stop", "S", "stop", "Stop the study, if confirmed; its trials are saved.", acts=True),
    Command("study", "resume", "R", "resume", "Resume the study in the background, if confirmed.", acts=True),
    Command("study", "retry", "F", "retry failed", "Train failed trials again, if confirmed.", acts=True),
    Command("study", "new", "n", "new", "A new study with the definition of this one.", acts=True),
    # -- a new study
    Command(
        "new_study", "start", "ctrl+s", "start", "Start the study, in a process of its own.", acts=True, everywhere=True
    ),
    Command("new_study", "copy", "ctrl+y", "copy line", "Copy the command line.", everywhere=True),
    Command("new_study", "discard", "f4", "reset", "Discard the draft: an empty form.", everywhere=True),
    Command("new_study", "stay", "q", "", "Nothing: in a form q is only a letter."),
    # -- data
    Command("data", "choose", "enter", "new run", "Set up a run on this dataset.", acts=True),
    Command("data", "fetch", "f", "download", "Download and verify it.", acts=True),
    Command("data", "verify", "v", "verify", "Read its files and compare their MD5.", acts=True),
    Command("data", "next_size", "s", "size", "The next image size."),
)


def commands_of(screen: str) -> tuple[Command, ...]:
    """The commands of a screen, then those that work everywhere, by the keys that the screen leaves to them."""
    own = tuple(row for row in COMMANDS if row.screen == screen)
    if screen == "app":
        return own
    taken = {key for row in own for key in row.keys.split(",")}
    return (*own, *(row.without(taken) for row in COMMANDS if row.screen == "app"))
