"""The border between files that people write and our values.

A file's shape is a pydantic model; `problems_of` is the one place where pydantic's words become
ours. Everything found is collected, so that a person mends a file once and not ten times.
"""

from __future__ import annotations

import difflib
import re
import reprlib
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from tallywire.errors import InvalidFileError, Problem

ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""Ids become Kafka keys, parts of Redis keys and file names: nothing that needs escaping."""
ID_RULE = "use 1 to 64 letters (a-z), digits, dots, dashes or underscores, a letter or digit first"
TEXT_RULE = "write some text in quotes, on one line"
REMEDY = "remedy"  # type of pydantic's errors whose message is a remedy of ours
SHOWN = 60
MOST_TOLD = 200  # problems of one file: a wrong column makes one of every line
MOST_NAMED = 20  # known ids in a message

Location = tuple[int | str, ...]
"""Where a value stands, as pydantic counts: `("contests", 0, "id")`."""
Where = Callable[[Location], str]
"""Words for a place: file, and line or key."""
Model = TypeVar("Model", bound="FileModel")


class FileModel(BaseModel):
    """A table or a row of a file: no value is converted silently, no key ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Remedy:
    """Beside a type: what to write there, told instead of pydantic's words for any fault of it.

    Stands last in `Annotated`, as only the checks before it are covered.
    """

    text: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The type's own schema, with our words."""
        return core_schema.custom_error_schema(
            handler(source), custom_error_type=REMEDY, custom_error_message=self.text
        )


Id = Annotated[str, Field(pattern=f"^{ID}$"), Remedy(ID_RULE)]
Text = Annotated[str, Field(pattern=r"^.*\S.*$"), Remedy(TEXT_RULE)]


def wrong(remedy: str) -> PydanticCustomError:
    """What a model's own validator raises: the remedy for the value it was given."""
    return PydanticCustomError(REMEDY, remedy)


def refusal(problems: Sequence[Problem]) -> InvalidFileError:
    """What to raise: the problems; of very many, the first ones and how many follow."""
    told, rest = problems[:MOST_TOLD], problems[MOST_TOLD:]
    if rest:
        told = [*told, Problem(rest[0].where, f"{len(rest):,} more problems", "mend these first")]
    return InvalidFileError(told)


def parse_toml(text: str, file: str, problems: list[Problem]) -> Mapping[str, object]:
    """The file's values; empty after a problem."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except ValueError as error:  # TOMLDecodeError is one; a number of 5,000 digits is another
        problems.append(Problem(file, f"not valid TOML: {error}", "correct the line named here"))
    except RecursionError:
        remedy = "is it the right file? Ours are four levels deep"
        problems.append(Problem(file, "brackets nested too deeply", remedy))
    return {}


def validate(
    model: type[Model], values: Mapping[str, object], file: str, problems: list[Problem]
) -> Model | None:
    """The file as its model; None after problems."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems.extend(problems_of(error, model, lambda location: key_path(location, file)))
        return None


def problems_of(error: ValidationError, model: type[BaseModel], where: Where) -> Iterator[Problem]:
    """Everything that pydantic found, in the words of this house.

    Args:
        error: what was raised.
        model: what was validated, or what each entry of the list is.
        where: names a place for people.
    """
    for found in error.errors(include_url=False):
        value, remedy = _value_and_remedy(found, model)
        yield Problem(where(found["loc"]), value, remedy)


def _value_and_remedy(found: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    location, heading = found["loc"], _heading(found["loc"])
    match found["type"]:
        case "extra_forbidden":
            return "unknown key", nearest(
                str(location[-1]), _table_at(model, location).model_fields
            )
        case "missing":
            return "missing", _remedy_at(model, location)
        case "too_short":
            least = found["ctx"]["min_length"]
            return f"{len(found['input'])} entries", f"write at least {least} [[{heading}]]"
        case "too_long":
            most = found["ctx"]["max_length"]
            return f"{len(found['input']):,} entries", f"write at most {most} [[{heading}]]"
        case "dict_type" | "model_type" if isinstance(location[-1], str):
            return show(found["input"]), f"write its keys under a [{heading}] heading"
        case "list_type" | "dict_type" | "model_type":
            return show(found["input"]), f"write each entry under its own [[{heading}]] heading"
        case _:
            return show(found["input"]), found["msg"]


def _table_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    """The model of the table that holds the key at `location`."""
    for step in location[:-1]:
        if isinstance(step, str):
            model = _models_in(model.model_fields[step].annotation)[0]
    return model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models within an annotation such as `list[Model] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _remedy_at(model: type[BaseModel], location: Location) -> str:
    """What to write where a key is missing."""
    heading, field = _heading(location), _table_at(model, location).model_fields[str(location[-1])]
    for marker in field.metadata:
        if isinstance(marker, Remedy):
            return marker.text
    inside = _models_in(field.annotation)
    if inside and inside[0] is field.annotation:
        return f"write {', '.join(inside[0].model_fields)} under a [{heading}] heading"
    least = next((one.min_length for one in field.metadata if hasattr(one, "min_length")), 1)
    return f"write at least {least} [[{heading}]]"


def _heading(location: Location) -> str:
    return ".".join(step for step in location if isinstance(step, str))


def key_path(location: Location, file: str = "") -> str:
    """Where a value stands: `contests[0].id`, or `election.toml: contests[0].id`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in location)
    return f"{file}: " * bool(file) + "".join(steps).removeprefix(".")


def _key(key: str) -> str:
    return key if re.fullmatch(ID, key) else show(key)


def show(value: object) -> str:
    """A found value, short enough for a message."""
    if value is None:
        return "missing"
    text = _Short().repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


class _Short(reprlib.Repr):
    """As `repr`, but bounded in depth and length, and as TOML writes a value."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 2 * SHOWN

    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write out the longest numbers."""
        return repr(x) if x.bit_length() < 256 else "a number of very many digits"

    def repr_bool(self, x: bool, level: int) -> str:
        """`true`."""
        return str(x).lower()

    def repr_date(self, x: date, level: int) -> str:
        """`2015-06-07`."""
        return x.isoformat()

    repr_datetime = repr_date


def nearest(name: str, known: Collection[str], what: str = "known keys:") -> str:
    """The remedy for a name that is not among the known ones."""
    near = difflib.get_close_matches(name, [one for one in known if re.fullmatch(ID, one)], n=1)
    return f"did you mean {near[0]}?" if near else f"{what} {list_ids(known)}"


def list_ids(known: Collection[str]) -> str:
    """The ids among the names, for a message; of many, the first ones."""
    ids = [one for one in known if re.fullmatch(ID, one)]
    return ", ".join([*ids[:MOST_NAMED], *(["..."] if len(ids) > MOST_NAMED else [])])
