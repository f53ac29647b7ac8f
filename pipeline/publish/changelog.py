"""Tell what a release changed: changes/delta.csv, and a changelog and an Atom feed in each language.

Made from comparison's delta against the package that came before; older releases are told by the sections that it
brings along. Once a figure is withheld, what was told of older releases is gone, for it was told with its cells. The
CHANGELOG.md of the programs is another thing, and written by hand.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import polars
import yaml

from pipeline import errors
from pipeline.publish import comparison
from pipeline.wording import LANGUAGES

FOLDER: Final = "changes"
MOST_LINES: Final = 100
LONGEST_CELL: Final = 80
SECTION: Final = re.compile(r"^## (\S+) \((\S+)\)\n\n(.*?)(?=\n## |\Z)", re.MULTILINE | re.DOTALL)
Section = tuple[str, str, str]  # version, day, lines


def write(folder: Path, home: Path) -> None:
    """Write changes/ into the folder of a complete package, whose version is computed already.

    A package that has the version of the one before it brings along what that one told.
    Raises: ValidationRefused where somebody typed the version of the package before.
    """
    told, before = json.loads((folder / "datapackage.json").read_text(encoding="utf-8")), comparison.base(home)
    old = json.loads((before / "datapackage.json").read_text(encoding="utf-8")) if before else {}
    if before:
        _refuse_typed(home, old)
    if before and old["version"] == told["version"] and (before / FOLDER / "delta.csv").is_file():
        shutil.copytree(before / FOLDER, folder / FOLDER)
        return
    (folder / FOLDER).mkdir()
    delta = comparison.delta(before, folder) if before else polars.DataFrame(schema=dict.fromkeys(comparison.COLUMNS))
    delta.write_csv(folder / FOLDER / "delta.csv", line_terminator="\n", null_value="", quote_style="necessary")
    hidden = before is not None and comparison.hides(before, folder)
    words = yaml.safe_load(Path(__file__).with_name("changes.yml").read_text(encoding="utf-8"))
    for language in LANGUAGES:
        said = {key: one[language] for key, one in words.items() if key != "causes"}
        causes = {code: one[language] for code, one in words["causes"].items()} | _causes(folder, language)
        lines = "\n".join(_lines(delta, (old, told), said, causes, language)) if before else said["first"]
        sections = [(told["version"], told["created"][:10], lines)]
        for version, day, text in _sections(before, language) if before else ():
            if version != told["version"]:
                sections.append((version, day, said["taken"] if hidden else text))
        _write(folder / FOLDER / f"{language}.md", _markdown(sections, said))
        _write(folder / FOLDER / f"{language}.atom", _atom(sections, said, told, language))


def _refuse_typed(home: Path, old: Mapping[str, Any]) -> None:
    """The committed version is the one that was told last; a crash may have left it one behind, never other words."""
    newest = next((version for version, _, _ in _sections(home, "en")), old["version"])
    live = home / "build" / "current" / "datapackage.json"
    if live.is_file():
        shown = json.loads(live.read_text(encoding="utf-8"))
        newest = shown["version"] if {**shown, "version": ""} == {**old, "version": ""} else old["version"]
    if newest != old["version"]:
        raise errors.ValidationRefused(
            f"datapackage.json: the version was written by hand; the release it belongs to is {newest}. Versions "
            "follow from what changed. Next: git checkout datapackage.json, then publish again."
        )


def _lines(
    delta: polars.DataFrame, packages: Sequence[Mapping[str, Any]], said: Mapping[str, str], causes: Mapping[str, str],
    language: str,
) -> Iterator[str]:  # fmt: skip
    """Per table how much changed for which cause, then the cells of what people correct: claims, documents."""
    if delta.is_empty():
        yield said["none"]
    both = {one["name"]: one for package in packages for one in package["resources"]}
    titles = {name: one.get("labels", {}).get(language, one["title"]) for name, one in both.items()}
    counts = Counter(delta.select("table", "change", "cause").iter_rows())
    for (table, change, cause), count in sorted(counts.items()):
        number = "" if change.startswith("table") else f": {count:,}"
        yield f"- {titles[table]}: {said[change]}{number}. {causes.get(cause, cause)}."
    cells = delta.filter(
        polars.col("field").is_not_null(), polars.col("cause") != "derived",
        ~polars.col("table").is_in(["vintages", "revisions"]), change="altered",
    )  # fmt: skip
    for one in cells.head(MOST_LINES).iter_rows(named=True):
        fields = both[one["table"]]["schema"]["fields"]
        field = next((f.get("labels", {}).get(language) for f in fields if f["name"] == one["field"]), one["field"])
        was, now = (_cell(one[side], said) for side in ("old", "new"))
        yield f"- `{one['key']}`, {field}: {was} → {now}. {causes.get(one['cause'], one['cause'])}."
    if cells.height > MOST_LINES:
        yield f"- {said['more'].format(n=f'{cells.height - MOST_LINES:,}')}"


def _cell(text: str | None, said: Mapping[str, str]) -> str:
    """A cell on one line, in which nothing is markup."""
    if text is None:
        return said["nothing"]
    plain = " ".join(text.replace("`", "'").split())
    return f"`{plain if len(plain) <= LONGEST_CELL else plain[: LONGEST_CELL - 1] + '…'}`"


def _causes(folder: Path, language: str) -> dict[str, str]:
    """The causes of a claim's change, as the package's own code list words them."""
    path = folder / "data" / "revision_cause.csv"
    if not path.is_file():
        return {}
    rows = polars.read_csv(path, infer_schema=False)
    return dict(rows.select("code", f"title_{language}").iter_rows())


def _sections(package: Path, language: str) -> list[Section]:
    """What a package tells of itself and of those before it, newest first."""
    path = package / FOLDER / f"{language}.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return [(version, day, lines.rstrip("\n")) for version, day, lines in SECTION.findall(text)]


def _markdown(sections: list[Section], said: Mapping[str, str]) -> str:
    parts = [f"## {version} ({day})\n\n{lines}\n" for version, day, lines in sections]
    return "\n".join([f"# {said['title']}\n\n{said['about']}\n", *parts])


def _atom(sections: list[Section], said: Mapping[str, str], told: Mapping[str, Any], language: str) -> str:
    """A feed with an entry for each release; its ids are those of the package, for it knows no address."""

    def urn(about: str) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{told.get('id', told['name'])} {language} {about}").urn

    title = told.get("labels", {}).get(language, told["title"])
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>', f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{language}">',
        f"<title>{escape(title)}: {escape(said['title'])}</title>", f"<id>{urn('')}</id>",
        f"<author><name>{escape(title)}</name></author>", f"<updated>{sections[0][1]}T00:00:00Z</updated>",
    ]  # fmt: skip
    for version, day, text in sections:
        lines += [
            f"<entry><title>{version}</title><id>{urn(version)}</id><updated>{day}T00:00:00Z</updated>",
            f'<content type="text">{escape(text.replace("`", ""))}</content></entry>',
        ]
    return "\n".join([*lines, "</feed>"]) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
