"""What a run with a register leaves behind, says, or keeps when it is killed: nothing but what was published."""

from __future__ import annotations

import base64
import contextlib
import datetime
import errno
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import polars
import pytest
import python_calamine
import registers
from faults import Recorder

from pipeline import build, errors, protect
from pipeline.protect import carried, design, leaving, published, register

HOME = Path(__file__).resolve().parent.parent
TODAY = "2026-11-24"
SECRET = b"n0t-a-key-but-looked-for-Qm7"
DESIGN = design.read(HOME / "schemas" / "disclosure.yml")
CODES = register.codes()
YEARS = [str(year) for year in range(2021, 2026)]
SAID = ("stdout", "stderr", "run.json", ".said")
SMALL = "tables: {register_a: [year, sex], register_b: [year, region]}"
Row = dict[str, str]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file that only its owner can read."""
    return registers.key_file(tmp_path_factory.mktemp("secret"), SECRET)


def run(*words: object, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own; `before` is run there first."""
    code = f"{before}\nimport sys\nfrom pipeline.cli import main\nsys.argv[0] = 'pipeline'\nmain()"
    command = [sys.executable, "-c", code, *map(str, words)]
    paths = {"PYTHONPATH": str(HOME / "tests"), **environment}
    return subprocess.run(
        command, cwd=HOME, capture_output=True, text=True, timeout=300, check=False, env=os.environ | paths
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The releases `one` and `two` of an invented register, by a small design."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "design.yml").write_text(SMALL, encoding="utf-8")
    plan = design.read(folder / "design.yml")
    for name, seed in (("one", 3), ("two", 4)):
        held = register.read(registers.write(folder / f"{name}.csv", registers.cases(seed)), TODAY)
        leaving.protect(held, plan, folder / name, SECRET, [])
    return folder


def exchange(folder: Path, at: int, act: Callable[[], None]) -> int:
    """What became of a process that puts rest/new in the place of `out`, and does `act` at one of its operations."""
    pid = os.fork()
    if pid == 0:  # uses no polars, which does not survive a fork
        with Recorder(at, act).watching():
            leaving._exchange(carried.temporary(folder / "out"), folder / "out")
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def test_a_release_is_never_lost_whenever_the_exchange_is_killed(two: Path, tmp_path: Path) -> None:
    """At every call to the disk: then the next run has the old release or the new one, whole, and nothing beside it."""
    old, new = contents(two / "one"), contents(two / "two")
    seen, missing = set(), 0
    for at in range(1, 100):
        home = tmp_path / str(at)
        shutil.copytree(two / "one", home / "out")
        shutil.copytree(two / "two", home / ".tmp-out" / "new")
        status = exchange(home, at, lambda: os.kill(os.getpid(), signal.SIGKILL))
        missing += not (home / "out").exists()
        told = carried.settled(home / "out")

        assert contents(home / "out") in (old, new)
        assert [path.name for path in home.iterdir()] == ["out"]
        assert told
        if status == 0:
            break
        assert status == signal.SIGKILL
        seen.add("new" if contents(home / "out") == new else "old")
    assert seen == {"old", "new"}
    assert missing == 1


def test_the_next_run_puts_a_killed_exchange_in_order_and_says_so(two: Path, key: Path, tmp_path: Path) -> None:
    """Killed between the two renames. A run that is refused then finds the old release back; a good one tells it."""
    shutil.copytree(two / "one", tmp_path / "out")
    (tmp_path / "bad.csv").write_text("case_id\nx,y\n", encoding="utf-8")
    words = ("--out", tmp_path / "out", "--key-file", key, "--design", two / "design.yml")
    kill = (
        "import os, pathlib, signal\nreal = pathlib.Path.rename\n"
        "def rename(self, to):\n    if self.name == 'new': os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(self, to)\npathlib.Path.rename = rename"
    )

    killed = run("protect", two / "two.csv", *words, before=kill)

    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert contents(tmp_path / ".tmp-out" / "old") == contents(two / "one")
    assert set(contents(tmp_path / ".tmp-out" / "new")) == set(contents(two / "one"))
    assert (tmp_path / ".tmp-out").stat().st_mode & 0o077 == 0
    shutil.copytree(tmp_path / ".tmp-out", tmp_path / "again" / ".tmp-out")
    refused = run("protect", tmp_path / "bad.csv", *words)
    assert refused.returncode == 12, refused.stderr
    assert "the earlier one is back in its place" in " ".join(refused.stderr.split())
    assert contents(tmp_path / "out") == contents(two / "one")
    assert not list(tmp_path.glob(".tmp-*"))
    done = run("protect", two / "two.csv", "--previous", tmp_path / "again" / "out",
               "--out", tmp_path / "next", *words[2:])  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "the earlier one is back in its place" in " ".join(done.stderr.split())
    assert "left by a run that did not end, removed" in " ".join(done.stderr.split())
    assert contents(tmp_path / "again" / "out") == contents(two / "one")


def test_what_a_killed_publication_left_goes_with_the_next_one(two: Path, tmp_path: Path) -> None:
    """Whether a register is counted then or not; both say so."""
    home = build.Workspace(tmp_path)
    shutil.copytree(two / "two", tmp_path / "register" / ".tmp-0001" / "new")
    with build.counted(home, None, []) as (tables, told):
        assert (tables, len(told)) == ([], 1)
    assert not list((tmp_path / "register").iterdir())


def test_a_disk_that_refuses_is_told_in_a_sentence(two: Path, tmp_path: Path) -> None:
    """At every call, the renames too: the release before stands, byte for byte, and nothing is left beside it."""
    held, plan = register.read(two / "two.csv", TODAY), design.read(two / "design.yml")
    refused = []

    def refuse() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for at in range(2, 100):  # the first asks whether the folder above is there
        home = tmp_path / str(at)
        shutil.copytree(two / "one", home / "out")
        disk = Recorder(at, refuse)
        with disk.watching(), contextlib.suppress(errors.StorageError):
            leaving.protect(held, plan, home / "out", SECRET, [])
            break  # nothing that matters was left to do
        refused.append(disk.calls[at - 1][0])

        assert contents(home / "out") == contents(two / "one")
        assert [path.name for path in home.iterdir()] == ["out"]
    assert refused.count("rename") == 2
    assert {"mkdir", "fsync"} <= set(refused)


def told_days() -> set[str]:
    """Every day that the ledger or a schema names or, as month and day, sets: none may be a day of the register."""
    files = [*(HOME / "sources").rglob("*.csv"), *(HOME / "schemas").rglob("*.*"), HOME / "metadata.yml"]
    return {day for path in files for day in re.findall(r"\b(?:\d{4}-)?\d\d-\d\d\b", path.read_text(encoding="utf-8"))}


def recognisable(seed: int = 8, a_year: int = 200) -> list[Row]:
    """A register whose every case number, day and large count stands nowhere else, with many small counts."""
    rows = [row | {"outcome": "refused"} for row in registers.cases(seed, a_year, map(int, YEARS))]
    for at, row in enumerate(rows[::97]):
        row |= {"sex": "not_stated", "age_group": "not_stated", "outcome": "acquitted" if at % 3 else "convicted"}
        row |= {"facility_type": "not_stated", "criminal_article": ("391", "143-1")[at % 2]}
    dice, known = random.Random(seed), told_days()
    first = datetime.date(2021, 1, 1)
    every = {str(first + datetime.timedelta(at)) for at in range(365 * 5 + 1)}
    days = sorted(day for day in every - known if day[5:] not in known)
    by_year = {year: [day for day in days if day.startswith(year)] for year in YEARS}
    dice.shuffle(rows)
    for at, row in enumerate(rows):
        row["case_id"] = f"QZX-{7_310_003 + at * 17}"
        row["registration_date"] = dice.choice(by_year[row["registration_date"][:4]])
        row |= {"stage_date": dice.choice(days), "outcome_date": dice.choice(days)}
    return rows


def true_counts(rows: list[Row]) -> dict[str, list[int]]:
    """What the register holds in each cell of each table of the design, in the order in which the table prints."""
    columns, kept = DESIGN.described(YEARS), polars.DataFrame(rows)
    kept = kept.with_columns(polars.col("registration_date").str.slice(0, 4).alias("year"))
    found: dict[str, list[int]] = {}
    for table in DESIGN.tables:
        for key in DESIGN.keys(table, YEARS):
            sets = [published.meaning(columns, name, code) for name, code in key.items() if code != "_T"]
            inside = [polars.col(name).is_in(sorted(codes)) for name, codes in sets]
            found.setdefault(table, []).append(kept.filter(inside).height if inside else kept.height)
    return found


def pieces(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below as its bytes, and what a workbook or a column file holds inside."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path), path.read_bytes()
            if path.suffix == ".xlsx":
                with zipfile.ZipFile(path) as book:
                    yield from ((f"{path}/{name}", book.read(name)) for name in book.namelist())
            if path.suffix == ".parquet":
                yield f"{path} inside", polars.read_parquet(path).write_csv().encode()


def private(rows: list[Row], *several: tuple[str, bytes]) -> list[str]:
    """What is found of a register in texts and files: a case, a day, a cell beside another, a run of counts, a key."""
    every = true_counts(rows)
    numbers = {row["case_id"][4:] for row in rows}
    days = {row[name] for row in rows for name in ("registration_date", "stage_date", "outcome_date")}
    days |= {day.replace("-", "") for day in days} | {".".join(reversed(day.split("-"))) for day in days}
    large = {str(count) for counts in every.values() for count in counts if count >= 300 and count % 5}
    runs = {counts[at : at + 4] for counts in map(tuple, every.values()) for at in range(len(counts) - 3)
            if sum(count % 5 > 0 and count > 9 for count in counts[at : at + 4]) > 1}  # fmt: skip
    keys = (SECRET, SECRET.hex().encode(), base64.b64encode(SECRET)[:-4], repr(SECRET)[2:-1].encode())
    region, body, place, *_ = (f"(?:{'|'.join(map(re.escape, CODES[name]))})" for name in CODES)
    names, codes = "|".join(CODES), "|".join(re.escape(code) for these in CODES.values() for code in these)
    cells = re.compile(f"{region}\\W{{1,12}}{body}\\W{{1,12}}{place}\\b".encode())
    named = re.compile(f"\\b(?:{names})\\W{{1,6}}(?:{codes})\\W{{1,8}}(?:{names})\\W{{1,6}}(?:{codes})\\b".encode())
    found = []
    for name, content in several:
        text = content.decode("utf-8", "replace")
        said = set(re.findall(r"(?<![\w.])\d[\d.,-]*\d(?!\w)", text))
        plain = {one.replace(",", "") for one in said}
        found += [f"{name}: the key" for one in keys if one in content]
        found += [f"{name}: a case" for _ in range("QZX" in text or bool(numbers & said))]
        found += [f"{name}: a day" for _ in range(bool(days & {one[:10] for one in said}))]
        found += [f"{name}: a true count" for _ in range(bool(large & plain) and name.endswith(SAID))]
        found += [f"{name}: a row" for one in (cells, named) if one.search(content)]
        found += [f"{name}: the solver" for word in (b"HiGHS", b"Presolv", b"simplex") if word in content]
        within = re.findall(r"(?<![\w.])\d+(?:[\s,;:|\[\]()'\"]{1,4}\d+){3,}", text)
        lists = [re.findall(r"\d+", one) for one in within]
        found += [f"{name}: a run of true counts" for one in lists for at in range(len(one) - 3)
                  if tuple(map(int, one[at : at + 4])) in runs]  # fmt: skip
    return found


def test_the_search_finds_each_kind_of_leak() -> None:
    """What a careless line of code would print or keep: each is found, and nothing in what may be said."""
    rows = recognisable()
    row, counts = rows[7], true_counts(rows)["register_complaints_by_year_and_body"]
    day = row["registration_date"]
    profile = {name: row[name] for name in CODES}
    planted = {
        "case": f"row {row['case_id']} is odd", "number": f'{{"case": {row["case_id"][4:]}}}', "day": f"taken on {day}",
        "written day": ".".join(reversed(day.split("-"))), "day in SQL": day.replace("-", ""),
        "row": ",".join(row.values()), "profile": ",".join(profile.values()), "repr": repr(profile),
        "witness": json.dumps({"rows": [profile]}), "total": f"counted {len(rows)} cases", "log": f"{len(rows):,} rows",
        "counts": str(counts), "array": str(polars.Series(counts[:8]).to_numpy()), "lines": "\n".join(map(str, counts)),
        "key": SECRET.decode(), "hex": SECRET.hex(), "base64": base64.b64encode(SECRET).decode(),
        "solver": "Running HiGHS 1.16.0",
    }  # fmt: skip
    found = {name for name, text in planted.items() if private(rows, (f"{name}.said", text.encode()))}
    harmless = ("counting the register, and attacking what was counted", "year,body,value\n2021,police,140\n2022,_T,30")

    assert len(rows) % 5
    assert set(planted) - found == set()
    assert private(rows, *((f"{at}.said", text.encode()) for at, text in enumerate(harmless))) == []


def checkout(folder: Path) -> Path:
    """A checkout that has the figures and the design, and nothing published."""
    for name in ("schemas", "sources"):
        shutil.copytree(HOME / name, folder / name)
    shutil.copy(HOME / "metadata.yml", folder)
    return folder


def publish(home: Path, file: Path, key: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """A publish --register in a process of its own, whose temporary files go to tmp/ of the checkout."""
    (home / "tmp").mkdir(exist_ok=True)
    words = ("--offline", "--json", "--home", home, "--register", file, "--key-file", key)
    return run("publish", *words, before=before, TMPDIR=str(home / "tmp"))


def all_left(home: Path, done: subprocess.CompletedProcess[str]) -> list[tuple[str, bytes]]:
    """Every file that a publication wrote, and all it said."""
    folders = [home / name for name in ("build", "register", "data", "changes", "tmp")]
    own = [(name, (home / name).read_bytes()) for name in ("metadata.yml", "datapackage.json", "CITATION.cff")
           if (home / name).is_file()]  # fmt: skip
    return [*pieces(*folders), *own, ("stdout", done.stdout.encode()), ("stderr", done.stderr.encode())]


def printed(folder: Path) -> dict[str, list[str]]:
    """The value of every row of each table that was certified."""
    return {path.stem: polars.read_csv(path, infer_schema=False)["value"].fill_null("").to_list()
            for path in sorted(folder.glob("register_*.csv"))}  # fmt: skip


def test_a_publication_leaves_nothing_of_the_register_but_what_it_prints(tmp_path: Path, key: Path) -> None:
    """In no file of the release, of the checkout, of the temporary folder, and in nothing it says."""
    rows = recognisable()
    home, file = checkout(tmp_path / "home"), registers.write(tmp_path / "register.csv", rows)
    done = publish(home, file, key)
    assert done.returncode == 0, done.stderr
    told, release = json.loads(done.stdout), home / "build" / "current"
    certified, true = printed(home / "register" / "0001"), true_counts(rows)
    small = [count for counts in true.values() for count in counts if 0 < count < 5]
    other = [str(count) != value for table in true for count, value in zip(true[table], certified[table], strict=True)]

    assert len(small) >= 10
    assert sum(other) > len(other) // 2
    assert private(rows, *all_left(home, done)) == []
    assert not list((home / "tmp").iterdir())
    assert told["register"] == []
    for table, values in certified.items():
        rows_of_it = {"added": len(values), "removed": 0, "altered": 0}
        assert (told["tables"][table], told["changes"][table]) == (len(true[table]), rows_of_it)
        assert all(int(value or 0) % 5 == 0 for value in values)
    book = python_calamine.CalamineWorkbook.from_path(str(release / "statistics.xlsx"))
    sheets = [book.get_sheet_by_name(name).to_python() for name in book.sheet_names if name.startswith("register_")]
    with sqlite3.connect(f"file:{release / 'statistics.db'}?mode=ro", uri=True) as database:
        for table, values in certified.items():
            kept = [str("" if row[0] is None else row[0]) for row in database.execute(f"SELECT value FROM {table}")]
            assert sorted(kept) == sorted(values)
            assert printed(release / "data")[table] == values
            column = polars.read_parquet(release / "parquet" / f"{table}.parquet")["value"]
            assert [str("" if value is None else value) for value in column] == values
    assert [[str(int(row[head.index("value")])) for row in rest] for head, *rest in sheets] == [
        values for _, values in sorted(certified.items(), key=lambda one: list(DESIGN.tables).index(one[0]))
    ]


def spoilt(folder: Path, change: Callable[[list[Row]], object], heading: str = "") -> Path:
    """A register after `change`, with a column more if it has a heading."""
    rows = registers.cases(3)
    change(rows)
    path = registers.write(folder / "bad.csv", rows)
    if heading:
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        text = "\n".join([f"{head},{heading}", *(f"{line},Invented Inventzoda" for line in lines)])
        path.write_text(text, encoding="utf-8")
    return path


def counted(verb: str, home: Path, file: Path, used: Path) -> None:
    """What publish does with a register, or protect, beside the release in register/0001."""
    if verb == "publish":
        with build.counted(build.Workspace(home), build.Register(file, used, TODAY), []):
            return
    plan, earlier = home / "schemas" / "disclosure.yml", [home / "register" / "0001"]
    protect.protected(file, home / "out", used, plan, home / "elsewhere", TODAY, earlier)


BAD: dict[str, tuple[Callable[[list[Row]], object], int, str]] = {
    "unknown category": (lambda rows: rows[5].update(region="TJ-INVENTED"), 12, "row 7, column region: a category"),
    "missing date": (lambda rows: rows[5].update(registration_date=""), 12, "row 7, column registration_date: "),
    "future date": (lambda rows: rows[5].update(registration_date="2999-01-31"), 12, "a day in the future"),
    "duplicate": (lambda rows: rows[5].update(case_id=rows[6]["case_id"]), 12, "row 7, column case_id: "),
    "names": (lambda _: None, 12, "column 13 is not in the layout"),
    "three rows": (lambda rows: rows.__delitem__(slice(3, None)), 12, "too few cases to count"),
    "empty": (lambda rows: rows.clear(), 12, "the file holds no case"),
    "open key": (lambda _: None, 2, "can be read by others"),
    "broken hash": (lambda _: None, 2, "its hash differs"),
}  # fmt: skip


@pytest.mark.parametrize("verb", ["protect", "publish"])
@pytest.mark.parametrize("fault", BAD)
def test_a_bad_input_is_refused_and_the_last_release_stands(
    fault: str, verb: str, two: Path, key: Path, tmp_path: Path
) -> None:
    """With its exit code and the place, without a cell; register/ is as it was, byte for byte."""
    change, code, words = BAD[fault]
    file = spoilt(tmp_path, change, "Inventzoda" * (fault == "names"))
    shutil.copytree(two / "one", tmp_path / "register" / "0001")
    (tmp_path / "schemas").mkdir()
    shutil.copy(two / "design.yml", tmp_path / "schemas" / "disclosure.yml")
    used = key
    if fault == "open key":
        used = Path(shutil.copy(key, tmp_path / "key"))
        used.chmod(0o644)
    if fault == "broken hash":
        with (tmp_path / "register" / "0001" / "register_a.csv").open("a", encoding="utf-8") as lines:
            lines.write("\n")
    before = contents(tmp_path)

    with pytest.raises(errors.PipelineError, match=re.escape(words)) as raised:
        counted(verb, tmp_path, file, used)

    assert raised.value.exit_code == code
    assert contents(tmp_path) == before
    assert not any(word in str(raised.value) for word in ("INVENTED", "Invent", "2999", "C0000"))
    assert not (tmp_path / "out").exists()


LIE = "from pipeline.protect import attack\nattack.Verdict.safe = property(lambda self: False)"
DIE = "import os, signal\nfrom pipeline import build\nbuild.judge = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.exam
def test_a_publication_that_fails_leaves_nothing_of_the_register(tmp_path: Path, key: Path) -> None:
    """One that is not safe, one with a name in a row, one killed after the count; the next tells it goes on."""
    rows = recognisable()
    good = registers.write(tmp_path / "register.csv", rows)
    bad = registers.write(tmp_path / "bad.csv", [*rows, rows[0] | {"case_id": "QZX-1", "sex": "Invented Inventzoda"}])
    for name, file, before, code in (("unsafe", good, LIE, 12), ("bad", bad, "", 12), ("killed", good, DIE, -9)):
        home = checkout(tmp_path / name)
        done = publish(home, file, key, before)
        left = all_left(home, done)

        assert done.returncode == code, done.stderr
        assert private(rows, *left) == []
        assert not any(b"Inventzoda" in content for _, content in left)
        assert not list((home / "tmp").iterdir())
        assert (home / "register" / "0001").exists() == (name == "killed")
        assert not (home / "data").exists()
    next_one = run("publish", "--offline", "--json", "--home", home)
    assert "register/0001 was certified by a run that did not end" in json.loads(next_one.stdout)["register"][0]
    assert private(rows, *all_left(home, next_one)) == []


@pytest.mark.exam
def test_what_is_not_counted_changes_no_byte(tmp_path: Path, key: Path) -> None:
    """Other case numbers, days, stages and order of the rows: the same files and words, byte for byte."""
    rows, left = recognisable(), []
    others = [row | {"case_id": f"PVW-{at}", "registration_date": row["registration_date"][:4] + "-12-30",
                     "stage": "final", "stage_date": "", "outcome_date": ""}
              for at, row in enumerate(reversed(rows))]  # fmt: skip
    for number, several in enumerate((rows, others)):
        home = checkout(tmp_path / str(number) / "home")
        done = publish(home, registers.write(tmp_path / str(number) / "register.csv", several), key)
        assert done.returncode == 0, done.stderr
        left.append({name.replace(f"/{number}/home/", "/"): content for name, content in all_left(home, done)})

    assert left[0] == left[1]


def test_two_registers_that_print_the_same_say_the_same(two: Path, key: Path, tmp_path: Path) -> None:
    """A case more that moves no printed number is in no file and no word of the next release either."""
    plan, rows, kept = design.read(two / "design.yml"), registers.cases(3), [two / "one"]
    leaving.protect(register.read(two / "one.csv", TODAY), plan, tmp_path / "out", SECRET, kept)
    same, found = contents(tmp_path / "out"), False
    for at in range(20):
        more = [*rows, registers.case(random.Random(at), 9000 + at, 2025)]
        held = register.read(registers.write(tmp_path / "more.csv", more), TODAY)
        leaving.protect(held, plan, tmp_path / "out", SECRET, kept)
        if found := contents(tmp_path / "out") == same:
            break
    said = []
    for file in (two / "one.csv", tmp_path / "more.csv"):
        words = ("--out", tmp_path / "out", "--key-file", key, "--design", two / "design.yml", "--previous", kept[0])
        done = run("protect", file, *words, "--json", TMPDIR=str(tmp_path))
        said.append((done.returncode, done.stdout, done.stderr, contents(tmp_path / "out")))

    assert found
    assert said[0] == said[1]
    assert said[0][0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"more.csv", "out"}
