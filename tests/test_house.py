"""The house holds: import order, sizes, docstrings, one door out, a light command line, pages that tell the truth."""

from __future__ import annotations

import ast
import graphlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent
FILES = sorted((HOME / "pipeline").rglob("*.py"))
BASE = set("errors files records guard lexicon numerals tajik values timewords periods folding wording".split())
CONDUCTORS = {"build", "cli", "report", "__main__"}
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


def room(path: Path) -> str:
    """The room a file belongs to: its first part below pipeline/."""
    return path.relative_to(HOME / "pipeline").with_suffix("").parts[0]


def imported_rooms(path: Path) -> set[str]:
    """The rooms of pipeline/ that a file imports, however it writes it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "pipeline":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipeline."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("pipeline.")}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HOME).as_posix())
def test_a_stage_imports_no_other_stage(path: Path) -> None:
    """Base rooms import only earlier ones, stages only the base and themselves, and nobody imports upwards."""
    own = room(path)
    allowed = {
        "errors": set(),
        "records": {"errors"},
        "lexicon": {"errors", "tajik"},
        "tajik": {"errors"},
        "wording": set(),
        "numerals": {"errors", "lexicon"},
        "values": {"errors", "lexicon", "numerals"},
        "timewords": {"errors", "lexicon", "numerals"},
        "doctor": {"errors", "publish"},
        "periods": {"errors", "lexicon", "numerals", "tajik", "timewords"},
        "report": {
            "records",
            "build",
            "errors",
            "explain",
            "doctor",
            "reconcile",
            "archive",
            "protect",
            "publish",
            "visiting",
            "accepting",
        },
    }.get(own, BASE)

    strangers = imported_rooms(path) - allowed - {own}

    assert own in {"build", "visiting", "proposing", "accepting", "cli", "__main__"} or strangers == set()
    assert own in {"cli", "__main__"} or "cli" not in strangers


def test_no_rooms_import_each_other_in_a_circle() -> None:
    """Whoever conducts hands down what is needed; nobody below reaches up for it, however late."""
    needs: dict[str, set[str]] = {}
    for path in FILES:
        needs.setdefault(room(path), set()).update(imported_rooms(path) - {room(path)})

    order = list(graphlib.TopologicalSorter(needs).static_order())  # CycleError names a circle

    assert order.index("build") > order.index("accepting") > order.index("ledger")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HOME).as_posix())
def test_files_and_functions_stay_small_and_say_what_they_are_for(path: Path) -> None:
    """A file has at most 400 lines, a function at most 60, and each file opens with a docstring."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION]

    assert text.count("\n") <= LONGEST_FILE
    assert long == []
    assert ast.get_docstring(tree)


def test_only_protect_makes_a_public_table() -> None:
    """The call PublicTable(…) stands in protect/ alone."""
    makers = {
        room(path)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and "PublicTable" in ast.unparse(node.func)
    }

    assert makers == {"protect"}


def test_help_loads_neither_great_expectations_nor_pandas() -> None:
    """`python -m pipeline --help` stays light."""
    probe = (
        "import sys; sys.argv = ['pipeline', '--help']\n"
        "from pipeline.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "import json; print('\\n' + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    shown = subprocess.run([sys.executable, "-c", probe], cwd=HOME, capture_output=True, text=True, check=True)
    loaded = set(json.loads(shown.stdout.splitlines()[-1]))

    assert "pipeline" in loaded
    assert (
        loaded & {"great_expectations", "pandas", "frictionless", "polars", "duckdb", "datasette", "highspy"} == set()
    )


def test_the_pages_name_every_command() -> None:
    """README or ARCHITECTURE tells of each verb of the command line and of the Makefile."""
    told = (HOME / "README.md").read_text(encoding="utf-8") + (HOME / "ARCHITECTURE.md").read_text(encoding="utf-8")
    from pipeline.cli import app  # noqa: PLC0415

    verbs = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    targets = {
        line.split(":")[0]
        for line in (HOME / "Makefile").read_text(encoding="utf-8").splitlines()
        if "## " in line and not line.startswith(("#", "\t"))
    }

    assert {verb for verb in verbs if f"pipeline {verb}" not in told} == set()
    assert {target for target in targets if f"make {target}" not in told} == set()


def test_the_topic_tables_describe_a_shared_column_in_the_same_words() -> None:
    """A column that several tables of figures share means one thing."""
    differing = {}
    seen: dict[str, tuple[str, str]] = {}
    for path in sorted((HOME / "schemas").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        for field in schema["fields"] if schema["primaryKey"] == "claim_id" else ():
            text = json.dumps(field, ensure_ascii=False)
            first = seen.setdefault(field["name"], (path.name, text))
            if first[1] != text:
                differing[field["name"]] = (first[0], path.name)

    assert differing == {}


def test_every_field_has_a_description_a_unit_and_three_labels() -> None:
    """No column is published without plain words, a unit and labels in English, Russian and Tajik."""
    bare = [
        f"{path.name}:{field['name']}"
        for path in sorted((HOME / "schemas").glob("*.json"))
        for field in json.loads(path.read_text(encoding="utf-8"))["fields"]
        if not (field.get("description") and field.get("unit") and set(field["labels"]) == {"en", "ru", "tg"})
        or not all(field["labels"].values())
    ]

    assert bare == []


def test_categories_are_enforced_by_enum_and_listed_as_codes() -> None:
    """Frictionless never checks categories, so each stands beside the same enum and the same code list."""
    for path in sorted((HOME / "schemas").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        lists = {key["fields"]: key["reference"]["resource"] for key in schema.get("foreignKeys", [])}
        for field in (field for field in schema["fields"] if "categories" in field):
            codes = [category["value"] for category in field["categories"]]

            assert codes == field["constraints"]["enum"], f"{path.name}:{field['name']}"
            if field["name"] in lists:
                lines = (HOME / "schemas" / "codes" / f"{lists[field['name']]}.csv").read_text(encoding="utf-8")
                listed = {line.split(",")[0] for line in lines.splitlines()[1:]}

                assert set(codes) <= listed, f"{path.name}:{field['name']}"
