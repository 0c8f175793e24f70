"""Profiles: a TOML file that says how the columns of exports from one source are read.

```toml
files = ["HB*.csv"]                 # optional: the exports it is for, by their names
sheet = "Lines"                     # optional
ignore = ["Total Charge"]           # optional: headers, or schema columns, that are not used
[columns]
patient_id = "MRN"
modifiers = ["MOD1", "MOD2"]
remit_date = ""                     # the export has none, whatever its headers say
service_state = { value = "TX" }    # the same on every line
claim_id = "#3"                     # the third column, where headers are blank or repeated
```
"""

import difflib
import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditor.errors import AuditError
from auditor.ingest.header_names import header_key, identifies_patient, readings
from auditor.ingest.mapping import (
    SEVERAL,
    Mapping,
    Match,
    Profile,
    certainty,
    header_word,
    one_line,
)
from auditor.regular_files import regular
from auditor.schema import CLAIM_LINES, REQUIRED

if TYPE_CHECKING:
    from auditor.ingest.raw import RawTable

__all__ = [
    "Profile",
    "ignored_positions",
    "profile_of",
    "profile_positions",
    "read_profile",
    "read_profiles",
    "switched_off",
    "write_profile",
]

_NAMES = {column.name: column.name for column in CLAIM_LINES} | {
    column.name.removesuffix("_cents"): column.name for column in CLAIM_LINES
}
_PLACE = re.compile(r"#([0-9]{1,4})")


class _Constant(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    value: str = Field(min_length=1)


class _ProfileFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    files: list[str] = []
    sheet: str | None = None
    ignore: list[str] = []
    columns: dict[str, str | list[str] | _Constant] = {}


def read_profile(path: Path) -> Profile:
    """Read a profile.

    Raises AuditError if it can't be read, is not TOML, or says something that a profile doesn't.
    """
    try:
        text = regular(path).read_bytes().decode("utf-8-sig")
        content = _ProfileFile.model_validate(tomllib.loads(text))
    except OSError as error:
        raise AuditError(
            f"{path.name}: the profile can't be read ({error.strerror}).", 2
        ) from error
    except UnicodeDecodeError as error:
        raise AuditError(
            f"{path.name}: the profile is not UTF-8 text; save it as UTF-8."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise AuditError(
            f'{path.name}: not valid TOML: {error}. Write a line as patient_id = "MRN".'
        ) from error
    except ValidationError as error:
        raise AuditError(f"{path.name}: {_mistakes(error)}.") from error
    columns: dict[str, tuple[str, ...]] = {}
    constants: dict[str, str] = {}
    for name, said in content.columns.items():
        column = _schema_column(path.name, name)
        if column in columns or column in constants:
            raise AuditError(f"{path.name}: columns.{name}: {column} is given twice; keep one.")
        if isinstance(said, _Constant):
            constants[column] = _constant(path.name, column, said.value)
        else:
            headers = (said,) if isinstance(said, str) else tuple(said)
            columns[column] = tuple(header for header in headers if header.strip())
    return Profile(
        path.name, content.sheet, columns, constants, tuple(content.ignore), tuple(content.files)
    )


def read_profiles(paths: Sequence[Path], exports: Sequence[str]) -> list[Profile]:
    """The profiles of a run over exports of these names.

    Raises AuditError for one that can't be read or is for none of them.
    """
    profiles = [read_profile(path) for path in paths]
    for profile in profiles:
        if not any(map(profile.is_for, exports)):
            raise AuditError(
                f"{profile.file}: is for files named {', '.join(profile.files)}, and no export is "
                "named so; correct its files, or leave it away",
                2,
            )
    return profiles


def profile_of(profiles: Sequence[Profile], export: str) -> Profile | None:
    """The profile that an export of this name is read by. Raises AuditError if two are for it."""
    fitting = [profile for profile in profiles if profile.is_for(export)]
    if len(fitting) > 1:
        raise AuditError(
            f"{export}: {fitting[0].file} and {fitting[1].file} are both for it; say in each which "
            'exports it is for, by their names: files = ["HB*.csv"]',
            2,
        )
    return fitting[0] if fitting else None


def profile_positions(profile: Profile, table: "RawTable") -> dict[str, tuple[int, ...]]:
    """Header positions that a profile names for a schema column; none where it switches one off.

    Raises AuditError if the table lacks a header, has it twice, or must not have it read.
    """
    found: dict[str, tuple[int, ...]] = {}
    for column, headers in profile.columns.items():
        key = f"columns.{column}"
        positions = [_positions(profile, key, header, table) for header in headers]
        for header, places in zip(headers, positions, strict=True):
            if len(places) > 1 and column not in SEVERAL:
                choice = " or ".join(f'"#{place + 1}"' for place in places)
                raise AuditError(
                    f"{profile.file}: {key} names {header_word(header, 0)}, which {table.file} has "
                    f"{len(places)} times; give its place instead: {choice}."
                )
        chosen = tuple(dict.fromkeys(place for places in positions for place in places))
        if len(chosen) > 1 and column not in SEVERAL:
            raise AuditError(
                f"{profile.file}: {key} names {len(chosen)} headers, but {column} is read from one."
            )
        for place in chosen:
            header = table.header[place]
            if identifies_patient(header) and not readings(header):
                raise AuditError(
                    f"{profile.file}: {key} names {header_word(header, place)}, which by its "
                    "name holds names, birth dates or addresses and is never read; name another."
                )
        found[column] = chosen
    return found


def ignored_positions(profile: Profile, table: "RawTable") -> frozenset[int]:
    """Header positions that the profile's ``ignore`` list takes out."""
    return frozenset(
        place
        for header in profile.ignore
        if header not in _NAMES or header in table.header
        for place in _positions(profile, "ignore", header, table)
    )


def switched_off(profile: Profile) -> frozenset[str]:
    """Schema columns that are not to be read, whatever the headers say."""
    return frozenset(
        {column for column, headers in profile.columns.items() if not headers}
        | {_NAMES[name] for name in profile.ignore if name in _NAMES}
    )


def write_profile(path: Path, mapping: Mapping, table: "RawTable") -> None:
    """Save what was understood as a profile to check and edit, with how sure each column is.

    Raises AuditError if the file is there already, or can't be written.
    """
    lines = [f"# How the columns of exports like {one_line(table.file)} are read."]
    if table.sheet is not None:
        lines += ["", f"sheet = {_toml(table.sheet)}"]
    lines += ["", "[columns]"]
    lines += [_match_line(match, table) for match in mapping.matches]
    if mapping.missing:
        lines += ["", "# Not found. Take the # away and name the header that holds it."]
        lines += [f"# {_missing_line(column)}" for column in mapping.missing]
    for title, headers in (
        ("Headers that are not used:", mapping.unused),
        (
            "Headers that are never read, as they hold names, birth dates or addresses:",
            mapping.identifying,
        ),
    ):
        if headers:
            lines += ["", f"# {title}", *(f"#   {one_line(header)}" for header in headers)]
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(lines) + "\n")
    except FileExistsError as error:
        raise AuditError(
            f"{path.name}: there is such a file already; give another name or move it away."
        ) from error
    except OSError as error:
        raise AuditError(
            f"{path.name}: the profile can't be written ({error.strerror}); give another folder."
        ) from error


def _match_line(match: Match, table: "RawTable") -> str:
    if match.constant is not None:
        said = f"{{ value = {_toml(match.constant)} }}"
    else:
        names = [_toml(_header_or_place(place, table)) for place in match.positions]
        said = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
    how = {"profile": "by profile", "name": "by its name", "shape": "by its values"}[match.how]
    note = f"; {one_line(match.note)}" if match.note else ""
    return f"{match.column} = {said}  # {certainty(match)}, {how}{note}"


def _missing_line(column: str) -> str:
    return f'{column} = "..."' + ("  # needed" if column in REQUIRED else "")


def _header_or_place(place: int, table: "RawTable") -> str:
    header = table.header[place]
    unmistakable = header.strip() and table.header.count(header) == 1
    return header if unmistakable and not _PLACE.fullmatch(header) else f"#{place + 1}"


def _positions(profile: Profile, key: str, header: str, table: "RawTable") -> tuple[int, ...]:
    """Places of a header in the table: ``#3``, else as written, else by letters and digits."""
    if place := _PLACE.fullmatch(header.strip()):
        number = int(place[1])
        if 1 <= number <= len(table.header):
            return (number - 1,)
        raise AuditError(
            f"{profile.file}: {key} names column {header.strip()}, but {table.file} has "
            f"{len(table.header)} columns."
        )
    exact = tuple(place for place, cell in enumerate(table.header) if cell == header)
    wanted = header_key(header)
    alike = tuple(place for place, cell in enumerate(table.header) if header_key(cell) == wanted)
    if exact or (alike and wanted):
        return exact or alike
    keys = {header_key(cell): cell for cell in table.header if cell}
    nearest = [keys[near] for near in difflib.get_close_matches(wanted, keys, n=3, cutoff=0.5)]
    near = f" (nearest: {', '.join(header_word(name, 0) for name in nearest)})" if nearest else ""
    raise AuditError(
        f"{profile.file}: {key} names {header_word(header, 0)}, which {table.file} does not "
        f"have{near}; correct the name, take the line out, or, if this file is built otherwise, "
        'say in the profile which files it is for: files = ["HB*.csv"].'
    )


def _schema_column(file: str, name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    nearest = difflib.get_close_matches(name, _NAMES, n=3, cutoff=0.5)
    near = f"; nearest: {', '.join(nearest)}" if nearest else ""
    raise AuditError(f"{file}: columns.{name} is no column of claim lines{near}.")


def _constant(file: str, column: str, value: str) -> str:
    if column in ("claim_id", "patient_id"):
        raise AuditError(
            f"{file}: columns.{column} can't be one value for every line; name a header."
        )
    return value


def _mistakes(error: ValidationError) -> str:
    """All mistakes of a profile in plain words, each said once."""
    said: dict[str, None] = {}
    for mistake in error.errors():
        where = [str(part) for part in mistake["loc"]]
        if where[0] == "columns" and len(where) > 1:
            said[
                f'columns.{where[1]} must be a header, a list of headers, or {{ value = "..." }}'
            ] = None
        elif mistake["type"] == "extra_forbidden":
            known = "files, sheet, ignore and [columns]"
            said[f"'{where[0]}' is unknown; a profile has {known}"] = None
        else:
            said[f"{where[0]} must be {_WANTED.get(where[0], 'a text')}"] = None
    return "; ".join(said)


_WANTED = {
    "files": "a list of names of exports",
    "sheet": "the name of a sheet",
    "ignore": "a list of headers",
    "columns": "a table",
}


def _toml(text: str) -> str:
    # A JSON string is a TOML string, except for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
