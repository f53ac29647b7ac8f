"""Foreign clients read the committed package: each table, each cell, as the CSV prints it (`make exam`).

Needs node and npm, R with readr and jsonlite, and LibreOffice: on Debian
`apt-get install npm r-cran-readr r-cran-jsonlite libreoffice-calc`. A missing one fails, it is not skipped.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent
PACKAGE = json.loads((HOME / "datapackage.json").read_text(encoding="utf-8"))
PATHS = {resource["name"]: resource["path"] for resource in PACKAGE["resources"]}
pytestmark = pytest.mark.exam

NODE = """
const {Package} = require('datapackage');
(async () => {
  const found = {};
  const pack = await Package.load(process.argv[2]);
  if (!pack.valid) throw new Error(pack.errors.join('; '));
  for (const resource of pack.resources) {
    await resource.read({keyed: false});                       // with types: throws where a cell does not fit
    found[resource.name] = await resource.read({keyed: false, cast: false});
  }
  console.log(JSON.stringify(found));
})().catch(error => { console.error(error); process.exit(1); });
"""
DATAPACKAGE_PY = """
import json, sys, datapackage
pack = datapackage.Package(sys.argv[1])
assert pack.valid, pack.errors
found = {}
for resource in pack.resources:
    resource.read()
    found[resource.name] = resource.read(cast=False)
print(json.dumps(found))
"""
R = """
arguments <- commandArgs(TRUE)
package <- jsonlite::fromJSON(file.path(arguments[1], "datapackage.json"), simplifyVector = FALSE)
found <- list()
for (resource in package$resources) {
  table <- readr::read_csv(file.path(arguments[1], resource$path), na = character(), trim_ws = FALSE,
                           col_types = readr::cols(.default = "c"), progress = FALSE)
  stopifnot(nrow(readr::problems(table)) == 0)
  found[[resource$name]] <- unname(as.matrix(table))
}
cat(jsonlite::toJSON(found))
"""


def printed() -> dict[str, list[list[str]]]:
    """Every data row of every table, as its CSV prints it."""
    tables = {}
    for name, path in PATHS.items():
        with (HOME / path).open(encoding="utf-8", newline="") as lines:
            tables[name] = list(csv.reader(lines))[1:]
    return tables


def answer(command: Sequence[str | Path], **options: object) -> dict[str, list[list[str]]]:
    """The tables a client prints as one JSON document; an empty cell may be null."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    return {name: [[cell or "" for cell in row] for row in rows] for name, rows in found.items()}


def test_npm_datapackage_reads_every_cell(tmp_path: Path) -> None:
    """The package reads in datapackage 1.1 of npm, with and without casting."""
    subprocess.run(["npm", "init", "-y"], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "datapackage@1.1"], cwd=tmp_path, check=True)
    (tmp_path / "read.js").write_text(NODE, encoding="utf-8")

    found = answer(["node", "read.js", HOME / "datapackage.json"], cwd=tmp_path)

    assert found == printed()


def test_datapackage_py_reads_every_cell(tmp_path: Path) -> None:
    """The package reads in datapackage-py 1.15 in an environment of its own, with and without casting."""
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "--quiet", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "datapackage==1.15.4"], check=True)

    found = answer([python, "-c", DATAPACKAGE_PY, HOME / "datapackage.json"])

    assert found == printed()


def test_readr_reads_every_cell() -> None:
    """R's readr, every column as text."""
    found = answer(["Rscript", "-e", R, HOME])

    assert found == printed()


def test_libreoffice_reads_every_cell(tmp_path: Path) -> None:
    """LibreOffice opens each CSV with text columns and writes the same cells back."""
    office = shutil.which("soffice") or "soffice"
    found = {}
    for name, path in PATHS.items():
        width = len((HOME / path).read_text(encoding="utf-8").split("\n")[0].split(","))
        columns = "/".join(f"{at}/2" for at in range(1, width + 1))
        subprocess.run(
            [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless",
             f"--infilter=CSV:44,34,76,1,{columns}",
             "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true",
             "--outdir", tmp_path, HOME / path],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            found[name] = list(csv.reader(lines))[1:]

    assert found == printed()


@pytest.mark.parametrize("client", ["pandas", "polars", "duckdb"])
def test_python_clients_read_every_cell(client: str) -> None:
    """pandas, polars and DuckDB, every column as text."""
    found = {name: _read_with(client, HOME / path) for name, path in PATHS.items()}

    assert found == printed()


def _read_with(client: str, path: Path) -> list[list[str]]:
    """All rows of a CSV, read by the named client."""
    if client == "pandas":
        import pandas  # noqa: PLC0415

        return pandas.read_csv(path, dtype=str, keep_default_na=False).to_numpy().tolist()
    if client == "polars":
        import polars  # noqa: PLC0415

        frame = polars.read_csv(path, infer_schema=False).fill_null("")
        return [list(row) for row in frame.iter_rows()]
    import duckdb  # noqa: PLC0415

    rows = duckdb.connect().execute("FROM read_csv(?, all_varchar = true, header = true)", [str(path)]).fetchall()
    return [[cell or "" for cell in row] for row in rows]
