"""Base classes of the configuration tables, and types of values that users write as text."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from xaitui.catalog.records import KindInfo
from xaitui.config.units import parse_auto, parse_duration, parse_size
from xaitui.errors import nearest


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _split_words(value: object) -> object:
    return tuple(shlex.split(value)) if isinstance(value, str) else value


Fractions = Annotated[tuple[float, ...], BeforeValidator(_split_commas, json_schema_input_type=tuple[float, ...] | str)]
Words = Annotated[tuple[str, ...], BeforeValidator(_split_commas, json_schema_input_type=tuple[str, ...] | str)]
Command = Annotated[tuple[str, ...], BeforeValidator(_split_words, json_schema_input_type=tuple[str, ...] | str)]
Seconds = Annotated[float, BeforeValidator(parse_duration, json_schema_input_type=float | str)]
Bytes = Annotated[int, BeforeValidator(parse_size, json_schema_input_type=int | str)]
Count = Annotated[int, BeforeValidator(parse_auto, json_schema_input_type=int | Literal["auto"])]


def _is_unicode(text: str) -> bool:
    """Whether a text can be encoded as UTF-8; surrogate escapes of undecodable bytes cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


class Group(BaseModel):
    """A table of the configuration file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_as_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Reject a boolean where a number is expected: `patience = true` in a file is a mistake, not 1."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise PydanticCustomError("switch", "this setting does not take true or false")
        return value

    @field_validator("*")
    @classmethod
    def _can_be_written(cls, value: Any) -> Any:
        """Reject text that cannot be written to a file or a command line, so that a run can always be repeated."""
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and ("\0" in text or not _is_unicode(text)):
                raise ValueError(f"{text!r} is not valid: it contains a NUL character or bytes that are not UTF-8")
        return value


class KindGroup(Group):
    """A table whose `name` decides which of its settings apply, and with which defaults."""

    @classmethod
    def kinds(cls) -> Mapping[str, KindInfo]:
        """The catalog table of this group."""
        raise NotImplementedError

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        name = given.get("name", cls.model_fields["name"].default)
        info = cls.kinds().get(str(name))
        if info is None:
            raise ValueError(f"there is no {name!r}{nearest(str(name), cls.kinds())}")
        for key, value in given.items():
            known = cls.model_fields.get(key)
            if known is not None and key != "name" and key not in info.settings and value != known.default:
                takes = ", ".join(info.settings) or "no settings"
                raise ValueError(f"{key} does not apply to {name}, which takes {takes}")
        return {**info.settings, **given}
