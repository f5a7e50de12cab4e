"""Every command of the console: one table that makes the keys, the key bar, the help and the palette."""

from __future__ import annotations

from dataclasses import dataclass


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


COMMANDS: tuple[Command, ...] = (
    Command("app", "leave", "q,ctrl+q,ctrl+c", "leave", "Leave the console; a run that is going on can be kept."),
    Command("app", "help", "question_mark,f1", "help", "Show what the keys of this screen do."),
    Command("app", "command_palette", "ctrl+p", "", "Search all commands."),
    Command("app", "back", "escape", "back", "Go back to the screen before.", everywhere=True),
    Command("app", "go('gpu')", "G", "", "The GPUs, or the processors, of this machine."),
    Command("app", "go('data')", "D", "", "The data sets, and what of them is here."),
    Command("app", "next_theme", "T", "", "The next theme: dark, light, high contrast."),
    # -- the list of runs
    Command("runs", "open", "enter", "open", "Open the run under the cursor."),
    Command("runs", "new", "n", "new", "Set up a new run.", acts=True),
    Command("runs", "filter", "slash", "filter", "Filter: words, dataset:path model:xcep state:failed val_acc>0.98."),
    Command("runs", "sort", "s", "sort", "Sort by the next column."),
    Command("runs", "reverse", "S", "", "Reverse the order."),
    Command("runs", "group", "g", "group", "Group by data set, model or state."),
    Command("runs", "mark", "space", "mark", "Mark the run, for comparing or removing."),
    Command("runs", "compare", "c", "compare", "Compare the marked runs."),
    Command("runs", "clone", "C", "clone", "A new run with the settings of this one.", acts=True),
    Command("runs", "resume", "r", "resume", "Take the run up again from its last checkpoint.", acts=True),
    Command("runs", "delete", "delete,x", "delete", "Remove the marked runs, or this one, if confirmed.", acts=True),
    Command("runs", "refresh", "f5", "", "Read everything anew."),
    Command("runs", "cursor_down", "j", "", "Down."),
    Command("runs", "cursor_up", "k", "", "Up."),
    # -- a new run
    Command("new", "start", "ctrl+s", "start", "Start the run.", acts=True, everywhere=True),
    Command("new", "copy", "ctrl+y", "copy line", "Copy the command line.", everywhere=True),
    Command("new", "paste", "ctrl+v", "paste line", "Paste a command line into the form.", everywhere=True),
    Command("new", "preset", "ctrl+l", "preset", "Choose a preset.", everywhere=True),
    Command("new", "augment", "ctrl+g", "augment", "The augmentations that suit the data set.", everywhere=True),
    Command("new", "default", "ctrl+r", "default", "Put the field back to its default.", everywhere=True),
    Command("new", "next_group", "ctrl+n,f3", "next group", "The next group of settings.", everywhere=True),
    Command("new", "previous_group", "ctrl+b,f2", "", "The group of settings before.", everywhere=True),
    Command("new", "cards", "ctrl+t", "cards", "Show the data set and the model.", everywhere=True),
    Command("new", "fetch", "ctrl+d", "download", "Download the data set.", acts=True, everywhere=True),
    # -- a run
    Command("live", "pause", "p", "pause", "Pause, or go on.", acts=True),
    Command("live", "save", "w", "save", "Write a checkpoint now.", acts=True),
    Command("live", "stop_after_epoch", "e", "stop after epoch", "Stop when the epoch is over.", acts=True),
    Command("live", "stop", "s", "stop", "Stop now: finish the step, save, test the best weights.", acts=True),
    Command("live", "resume", "r", "resume", "Take the run up again from its last checkpoint.", acts=True),
    Command("live", "log_scale", "y", "log", "Logarithmic or linear loss."),
    Command("live", "smooth", "m", "smooth", "Smooth the curves: off, a little, a lot."),
    Command("live", "x_axis", "x", "x axis", "Steps, epochs or time along the x axis."),
    Command("live", "next_score", "v", "score", "The next score in the second plot."),
    Command("live", "pane('plots')", "1", "plots", "Plots on or off."),
    Command("live", "pane('epochs')", "2", "epochs", "The last epochs on or off."),
    Command("live", "pane('log')", "3", "log", "The log on or off."),
    Command("live", "pane('gpu')", "4", "gpu", "The GPU panel on or off."),
    Command("live", "clone", "C", "clone", "A new run with the settings of this one.", acts=True),
    # -- one plot
    Command("plot", "log_scale", "y", "log", "Logarithmic or linear."),
    Command("plot", "smooth", "m", "smooth", "Smooth the curves: off, a little, a lot."),
    Command("plot", "x_axis", "x", "x axis", "Steps, epochs or time along the x axis."),
    Command("plot", "cursor(-1)", "left,h", "cursor", "Move the cursor to the left."),
    Command("plot", "cursor(1)", "right,l", "", "Move the cursor to the right."),
    Command("plot", "cursor(-10)", "shift+left", "", "Move the cursor ten columns to the left."),
    Command("plot", "cursor(10)", "shift+right", "", "Move the cursor ten columns to the right."),
    Command("plot", "cursor_to('start')", "home", "", "The cursor to the first point."),
    Command("plot", "cursor_to('end')", "end", "", "The cursor to the last point."),
    # -- comparing
    Command("compare", "next_difference", "n", "next diff", "The next setting that differs."),
    Command("compare", "previous_difference", "N", "", "The setting before that differs."),
    Command("compare", "pin", "p", "baseline", "Make the run under the cursor the baseline."),
    Command("compare", "next_score", "v", "score", "The next score in the plot."),
    Command("compare", "log_scale", "y", "log", "Logarithmic or linear."),
    Command("compare", "smooth", "m", "smooth", "Smooth the curves: off, a little, a lot."),
    Command("compare", "x_axis", "x", "x axis", "Steps, epochs or time along the x axis."),
    Command("compare", "enlarge", "enter", "enlarge", "The plot on the whole screen."),
    # -- data
    Command("data", "choose", "enter", "new run", "Set up a run on this data set.", acts=True),
    Command("data", "fetch", "f", "download", "Download and verify it.", acts=True),
    Command("data", "verify", "v", "verify", "Read its files and compare their MD5.", acts=True),
    Command("data", "next_size", "s", "size", "The next image size."),
)


def commands_of(screen: str) -> tuple[Command, ...]:
    """The commands of a screen, those that work everywhere last."""
    return tuple(row for name in dict.fromkeys((screen, "app")) for row in COMMANDS if row.screen == name)
