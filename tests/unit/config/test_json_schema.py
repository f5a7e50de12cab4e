from __future__ import annotations

from typing import Any

from hypothesis import given

from tests.configs import settings
from xaitui.catalog.optimizers import OPTIMIZERS
from xaitui.catalog.schedules import SCHEDULES
from xaitui.config.json_schema import json_schema
from xaitui.config.schema import FIELDS, RunConfig

TABLES = json_schema()["properties"]


def table(group: str, name: str) -> dict[str, Any]:
    """The properties of a group; where it has kinds, of the one of that name."""
    if "oneOf" not in TABLES[group]:
        return dict(TABLES[group]["properties"])
    kinds = [kind["properties"] for kind in TABLES[group]["oneOf"] if kind["properties"]["name"]["const"] == name]
    assert len(kinds) == 1
    return dict(kinds[0])


def test_every_setting_is_in_it_with_its_help() -> None:
    assert list(TABLES) == ["schema", "resolved", *RunConfig.model_fields]
    seen = set()
    for group in RunConfig.model_fields:
        for kind in TABLES[group].get("oneOf", [TABLES[group]]):
            assert not kind["additionalProperties"]
            for name, item in kind["properties"].items():
                seen.add(f"{group}.{name}")
                assert name == "name" or item["description"].startswith(FIELDS[f"{group}.{name}"].help)
    assert seen == set(FIELDS)


def test_every_kind_is_in_it_with_its_own_settings_and_defaults() -> None:
    for group, infos in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        assert len(TABLES[group]["oneOf"]) == len(infos)
        for info in infos.values():
            properties = table(group, info.name)
            assert properties.keys() == {"name", *info.settings}
    assert table("optimizer", "sgd")["lr"]["default"] == 0.01
    assert table("schedule", "multistep")["milestones"]["default"] == [0.5, 0.75]


def test_ranges_choices_and_spellings() -> None:
    assert table("training", "")["epochs"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100_000,
        "default": 15,
        "description": "Passes over the training split.",
    }
    assert table("optimizer", "adam")["lr"]["exclusiveMinimum"] == 0
    assert {"const": "auto", "type": "string"} in table("training", "")["batch_size"]["anyOf"]
    assert table("training", "")["monitor"]["enum"][:2] == ["loss", "accuracy"]
    assert {item["type"] for item in table("run", "")["max_time"]["anyOf"]} == {"number", "string"}


@given(settings())
def test_what_is_valid_stands_in_it(values: dict[str, Any]) -> None:
    """A small check by hand: the setting is there, and the value is one of its choices and within its limits."""
    for path, value in values.items():
        group, name = path.split(".")
        item = table(group, values.get(f"{group}.name", ""))[name]
        assert value in item.get("enum", [value])
        assert value == item.get("const", value)
        if "minimum" in item:
            assert value >= item["minimum"]
        if "maximum" in item:
            assert value <= item["maximum"]
