"""`xaitui config`: what a configuration resolves to and why, and its schema."""

from __future__ import annotations

import json
from typing import Any

import typer

from xaitui.cli.help_sections import SectionedCommand
from xaitui.cli.options import with_settings
from xaitui.cli.output.streams import put
from xaitui.config.command_line import differences
from xaitui.config.json_schema import json_schema
from xaitui.config.resolve import Resolution
from xaitui.config.toml import to_toml
from xaitui.text import printable

app = typer.Typer(rich_markup_mode=None)


@app.command("show", cls=SectionedCommand)
@with_settings
def show_command(resolution: Resolution) -> int:
    """Show the file that defaults, preset, file, environment and options give together, and what each changed."""
    put(to_toml(resolution.config).rstrip())
    put("")
    for line in explain(resolution):
        put(f"# {line}")
    return 0


def explain(resolution: Resolution) -> list[str]:
    """What differs from the defaults, from what, and who said so: a line for each setting."""
    rows = [
        (f"{path} = {_toml(value)}", f"default {_toml(default)}, from {resolution.origins[path]}")
        for path, (value, default) in differences(resolution.config).items()
    ]
    if not rows:
        return ["every setting is at its default"]
    width = max(len(left) for left, _ in rows)
    return ["what differs from the defaults:", *(f"{left:<{width}}  {right}" for left, right in rows)]


def _toml(value: Any) -> str:
    """A value as it stands in the file; what JSON and TOML write alike."""
    return printable(json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False))


@app.command("schema")
def schema_command() -> int:
    """Print JSON Schema of the configuration file."""
    put(json.dumps(json_schema(), indent=2))
    return 0
