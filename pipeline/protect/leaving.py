"""From a register to a folder that may leave: rounded as one system, attacked, certified, or nothing written at all.

What must not leave (counts, key, certificate) lives in memory only. The staging folder is its owner's alone and holds
nothing but tables that may still fail the attack; it goes if the run fails, or with the next run.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy
import polars

from pipeline import errors, files
from pipeline.protect import attack, carried, published, register, rounding, suppression, witness
from pipeline.protect.design import Design
from pipeline.protect.published import DESCRIPTOR, FACTS, Printed, Publication
from pipeline.protect.space import Cell, Space

LEAST_KEY: Final = 16
TRIES: Final = 6  # how often tables that give something away are rounded otherwise before one is withheld
UNSAFE: Final = "could_not_be_made_safe"
HIDDEN: Final = "small_or_protects_another"
Number = tuple[int, int]  # what is printed, below 0 for nothing, and what it was rounded to, 1 for the count itself
Key = dict[str, str]


@dataclass(frozen=True, slots=True)
class Left:
    """What left: the rows of each table, and the tables withheld. No count, no key.

    `apart` are earlier releases that no register agrees with beside this one, cases only being added; `swept` tells
    what a killed run had left.
    """

    tables: Mapping[str, int]
    withheld: Sequence[str]
    release: int
    apart: Sequence[str] = ()
    swept: Sequence[str] = ()

    def sentences(self) -> list[str]:
        """What its keeper should know."""
        return [
            *self.swept,
            *(f"withheld {name}: it could not be made safe together with the others." for name in self.withheld),
            *(f"release {name} cannot be true together with this one of cases that were only added: some were taken "
              "away or changed since. The two were audited each by itself." for name in self.apart),
        ]  # fmt: skip


def protect(
    cases: polars.DataFrame, design: Design, out: Path, key: bytes, earlier: Sequence[Path],
    facts: Path | None = None, known: Sequence[Printed] = (),
) -> Left:  # fmt: skip
    """The tables of `design` in the folder `out`, proved safe together with `earlier` releases, `facts` and `known`.

    Raises: NotPublishable when there are too few cases or nothing can be proved; UsageError for a folder or release
    that cannot be used; StorageError where the disk refuses. Then `out` is as it was.
    """
    if cases.height < design.fewest_cases:
        raise errors.NotPublishable(
            f"register: too few cases to count, expected at least {design.fewest_cases}. Nothing was published; "
            "wait for the next period."
        )
    out = out.resolve()
    releases = _earlier(earlier, out)
    if not _replaceable(out):
        raise errors.UsageError(f"{out.name}: it holds something else than a release. Give a new folder with --out.")
    carried.settled(out)
    rest = carried.temporary(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        rest.mkdir(mode=0o700)
        left = _staged(cases, design, rest / "new", key, releases, facts, known)
        _exchange(rest, out)
    except OSError as error:
        said = error.strerror or "the disk refused"
        raise errors.StorageError(f"{out.name}: {said}. Make room, or give another --out; run it again.") from None
    finally:
        carried.settled(out)
    return left


def _replaceable(out: Path) -> bool:
    """Whether nothing but a release is lost if the folder `out` is put aside; other packages have a descriptor too."""
    if not out.exists():
        return True
    try:
        held = {one.name for one in out.iterdir()}
        told = json.loads((out / DESCRIPTOR).read_text(encoding="utf-8")) if held else {"resources": []}
        return held <= {DESCRIPTOR, *(one["path"] for one in told["resources"])}
    except (OSError, ValueError, KeyError, TypeError):
        return False


def secret(path: Path, home: Path) -> bytes:
    """The key in `path`.

    Raises: UsageError when it is missing, short, in the repository, or readable by others.
    """
    if not path.is_file():
        raise errors.UsageError(
            "key: no such file. Make one outside the repository: (umask 077; head -c 32 /dev/urandom > FILE)."
        )
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise errors.UsageError(
            "key: the file can be read by others, expected by its owner alone. Run: chmod 600 FILE."
        )
    if path.resolve().is_relative_to(home.resolve()):
        raise errors.UsageError("key: the file lies in the repository, where it would be committed. Keep it elsewhere.")
    key = path.read_bytes().strip()
    if len(key) < LEAST_KEY:
        raise errors.UsageError(
            f"key: the file holds too little, expected at least {LEAST_KEY} bytes. Make it at random."
        )
    return key


def _earlier(folders: Sequence[Path], out: Path) -> list[tuple[Path, Publication]]:
    """The earlier releases, oldest first, each once and with its hashes intact."""
    read = list({told.digest: (folder, told) for folder in folders for told in (published.read(folder),)}.values())
    for folder, release in read:
        if release.broken or not release.columns:
            raise errors.UsageError(
                f"{folder.name}: {', '.join(release.broken) or DESCRIPTOR} is not what was published (its hash "
                "differs). Restore the release from git; nothing was published."
            )
        if folder.resolve() == out.resolve():
            raise errors.UsageError(
                f"{folder.name}: it is the folder to write and an earlier release. Give a new --out."
            )
    ordered = sorted(read, key=lambda one: len(one[1].previous))
    names = {release.digest for _, release in ordered}
    if ordered and set(ordered[-1][1].previous) - names:
        raise errors.UsageError(
            "previous: an earlier release is missing. Give --previous for every one that was published."
        )
    return ordered


def _staged(
    cases: polars.DataFrame, design: Design, staged: Path, key: bytes, releases: Sequence[tuple[Path, Publication]],
    facts: Path | None, known: Sequence[Printed],
) -> Left:  # fmt: skip
    """The release written to `staged`, attacked and certified; tables that stand in the way are withheld one by one."""
    years = [
        str(year) for year in range(int(str(cases[register.YEAR].min())), int(str(cases[register.YEAR].max())) + 1)
    ]
    apart = {name for name, told in design.described(years).items() if told["variable"] == register.YEAR
             and not set(years) <= {year for meant in told["codes"].values() for year in meant}}  # fmt: skip
    if apart:
        raise errors.UsageError(
            f"design: column {', '.join(sorted(apart))} leaves out years that the register holds, so its parts would "
            "not add up to the total. Put every year in one of its codes."
        )
    known = (*known, *(published.cells(facts, design.described(years), 1) if facts else ()))
    open_, pushed, tries = list(design.tables), Counter[Cell](), 0
    attacked: tuple[Any, ...] = ()
    while open_:
        method = _rounded if design.method == "rounding" else _suppressed
        values = method(cases, design, open_, years, key, releases, pushed)
        if values is not None:
            _write(staged, design, years, values, open_, [release for _, release in releases])
            folders = [folder for folder, _ in releases]
            if attacked != (values, *open_):  # a push that moved nothing leaves nothing else to attack
                attacked, verdict = (values, *open_), attack.attack(staged, folders, known, cases)
            if verdict.safe or not verdict.witness:  # without a witness that refuses
                _certify([*folders, staged], verdict, known)
                withheld = [name for name in design.tables if name not in open_]
                rows = {name: len(design.keys(name, years)) for name in design.tables}
                joined = {at for one in verdict.witness for at in one["releases"]}
                alone = [folder.name for at, folder in enumerate(folders) if at not in joined]
                return Left(rows, withheld, len(releases) + 1, alone)
            tries += 1
            if tries < TRIES and not verdict.broken:
                told = {published.cell(design.described(years), one["key"]): one for one in verdict.proved}
                asked = {one: -1 if values[one][0] > told[one]["low"] else 1 for one in told if one in values}
                if design.method == "suppression":
                    asked = _more(cases, design, open_, years, key, values, asked)
                    tries = 0
                pushed.update(asked)
                if asked:
                    continue
            leaking = {one["table"] for one in verdict.proved}
            doomed = next((name for name in reversed(open_) if name in leaking), open_[-1])
        else:  # a table that cannot be rounded even by itself, before one that stands in the way of others
            doomed = next((name for name in reversed(open_)
                           if not method(cases, design, [name], years, key, releases, pushed)), open_[-1])  # fmt: skip
        open_.remove(doomed)
    raise errors.NotPublishable(
        "protect: no table of the design could be made safe together with what was published before, and with the "
        "figures known from elsewhere. Nothing was published. Put "
        "categories together in the design, or wait for more cases."
    )


def _certify(folders: Sequence[Path], verdict: attack.Verdict, facts: Sequence[Printed]) -> None:
    """Nothing, if in every chain of releases each small cell has its two registers."""
    if not verdict.witness:
        raise errors.NotPublishable(
            "protect: no register agrees with the tables and with what is known from elsewhere, so nothing is proved. "
            "Nothing was published. Look at the facts: one of them is not true of this register."
        )
    known = [(one.cell, one.low, one.high) for one in facts]
    for told in verdict.witness:
        found = witness.faults([folders[at] for at in told["releases"]], told, told["small"], known)
        if found:
            raise errors.NotPublishable(
                f"protect: the certificate does not hold ({found[0]}). Nothing was published. This is a fault of ours: "
                "report it without the register."
            )


def _rounded(
    cases: polars.DataFrame, design: Design, names: Sequence[str], years: Sequence[str], key: bytes,
    releases: Sequence[tuple[Path, Publication]], pushed: Mapping[Cell, int],
) -> dict[Cell, Number] | None:  # fmt: skip
    """The number of each cell; None where the tables cannot be rounded."""
    columns = design.described(years)
    cells = list(dict.fromkeys(published.cell(columns, one) for name in names for one in design.keys(name, years)))
    space = Space(cells, published.universe(columns, {**register.codes(), register.YEAR: years}))
    profiles, times = space.counted(cases)
    true, held = space.tabulated(profiles, times), numpy.zeros(int(space.starts[-1]), dtype=numpy.int64)
    for atoms in space.numbered(profiles):
        numpy.add.at(held, atoms, times)
    number = {cell: at for at, cell in enumerate(cells)}
    history = numpy.full((len(releases), len(cells)), -1)
    for at, (_, release) in enumerate(releases):
        for one in release.cells:
            if one.cell in number and one.value >= 0:
                history[at, number[one.cell]] = one.value
    said = numpy.array([bool(cell) and {name for name, _ in cell} <= design.zeros_said for cell in cells])
    ends = {frozenset(years[:1]), frozenset(years[-1:])}  # there is a table for these years: everybody sees that
    seen = numpy.array([len(cell) == 1 and cell[0][1] in ends for cell in cells])
    told_before = {code for _, release in releases[-1:] for one in release.cells for name, codes in one.cell
                   if name == register.YEAR for code in codes}  # fmt: skip
    over = {frozenset([year]): int(year) for year in told_before if year < max(told_before)}
    closed = numpy.array([over.get(dict(cell).get(register.YEAR, frozenset()), 0) for cell in cells])
    asked = numpy.array([pushed.get(cell, 0) for cell in cells])
    for told in (said, said & False) if said.any() else (said,):  # few cases: better no zero said than no table
        found = rounding.rounded(space, cells, held, true, history, told, seen, closed, design.base, key, asked)
        if found is not None:
            zeros = told & (true == 0)
            return {cell: (int(found[at]), 1 if zeros[at] else design.base) for cell, at in number.items()}
    return None


def _suppressed(
    cases: polars.DataFrame, design: Design, names: Sequence[str], years: Sequence[str], key: bytes,
    releases: Sequence[tuple[Path, Publication]], pushed: Mapping[Cell, int],
) -> dict[Cell, Number]:  # fmt: skip
    """The count of each cell that is printed; nothing for those left out, of which `pushed` are some.

    Raises: UsageError when there was a release before: subtracting the two would give late cases away.
    """
    if releases:
        raise errors.UsageError(
            "design: cells are left out, and there are earlier releases: late cases would follow from the difference. "
            "Round instead (method: rounding)."
        )
    counts, lines = _counts(cases, design, names, years)
    said = {cell for cell in counts if cell and {name for name, _ in cell} <= design.zeros_said}
    out = suppression.hidden(counts, lines, said, design.threshold, key) | set(pushed)
    return {cell: (-1 if cell in out else count, 1) for cell, count in counts.items()}


def _more(
    cases: polars.DataFrame, design: Design, names: Sequence[str], years: Sequence[str], key: bytes,
    values: Mapping[Cell, Number], proved: Mapping[Cell, int],
) -> dict[Cell, int]:  # fmt: skip
    """The cells to leave out as well, now that these were proved."""
    out = {cell for cell, (value, _) in values.items() if value < 0}
    return dict.fromkeys(suppression.more(*_counts(cases, design, names, years), out, proved, key), 1)


def _counts(
    cases: polars.DataFrame, design: Design, names: Sequence[str], years: Sequence[str]
) -> tuple[dict[Cell, int], list[list[Cell]]]:
    """The count of every cell, and every total with its parts."""
    columns, lines = design.described(years), dict[tuple[str, str, str], list[Cell]]()
    for name in names:
        for key in design.keys(name, years):
            for column in key:
                lines.setdefault((name, column, str({**key, column: ""})), []).append(published.cell(columns, key))
    cells = list(dict.fromkeys(one for line in lines.values() for one in line))
    space = Space(cells, published.universe(columns, {**register.codes(), register.YEAR: years}))
    return dict(zip(cells, space.tabulated(*space.counted(cases)).tolist(), strict=True)), list(lines.values())


def _write(
    staged: Path, design: Design, years: Sequence[str], values: Mapping[Cell, Number], open_: Sequence[str],
    releases: Sequence[Publication],
) -> None:  # fmt: skip
    """One CSV per table and the descriptor; rows in the order of the lists, whatever they hold."""
    staged.mkdir(exist_ok=True)
    columns = design.described(years)
    resources = []
    for name, dimensions in design.tables.items():
        path = staged / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerow([*dimensions, *FACTS])
            for key in design.keys(name, years):
                said = _said(*values[published.cell(columns, key)]) if name in open_ else ("", "", "withheld", UNSAFE)
                writer.writerow([*key.values(), *said])
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        resources.append({"name": name, "path": path.name, "labels": dict(design.titles[name]),
                          "dimensions": list(dimensions), "hash": f"sha256:{digest}"})  # fmt: skip
    told = {
        "name": "register-tables",
        "threshold": design.threshold,
        "base": design.base,
        "rounding": {"choice": "keyed", "additive": True} if design.method == "rounding" else {},
        "release": len(releases) + 1,
        "previous": [release.digest for release in releases],
        "columns": columns,
        "resources": resources,
    }
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    (staged / DESCRIPTOR).write_text(text, encoding="utf-8", newline="\n")


def _said(value: int, base: int) -> tuple[str, str, str, str]:
    """value, rounded_to, status, reason of a printed cell."""
    if value < 0:
        return "", "", "suppressed", HIDDEN
    if base == 1:
        return str(value), "1", "exact" if value else "zero", ""
    return str(value), str(base), "rounded" if value else f"0–{base - 1}", ""


def _exchange(rest: Path, out: Path) -> None:
    """Put rest/new in the place of `out`, which goes last; killed in between, carried.settled puts `out` back."""
    for path in (*(rest / "new").iterdir(), rest / "new"):
        files.sync(path)
    if out.exists():
        out.rename(rest / "old")
    (rest / "new").rename(out)
    with contextlib.suppress(OSError):  # the release stands; a disk that is slow to keep it is no refusal
        files.sync(out.parent)
