"""The rules of the house (infra/decisions/0001-rooms.md), read from the code itself."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = (
    "archive", "catalogue", "choose", "volume", "inference", "scoring",
    "clinical", "lake", "risk", "report", "publish", "phantom",
)  # fmt: skip
SHARED = {
    "records", "schema", "tables", "reasons", "errors", "config", "privacy", "resources",
    "header_values", "vocabulary", "kernels", "score_columns", "risk_columns", "clinical_columns",
    "header_columns",
    "reconstruction", "measures", "lower_bound", "surroundings", "things", "seen", "fitted",
    "scan_dates", "frames", "deflated", "nesting", "truth_columns", "flag_words", "listed",
    "listed_columns", "fates", "lipids", "bounded", "words_of_body", "words_of_making",
    "series_words", "series",
}  # fmt: skip
COMPOSERS = {"pipeline", "dispositions"}

# Each heavy library has one home; numpy and pyarrow are common ground.
HOMES = {
    "onnxruntime": {"screening/inference"},
    "nibabel": {"screening/inference"},
    "dicomsdl": {"screening/archive", "screening/volume"},
    "gdcm": {"screening/volume"},
    "pydicom": {"screening/archive", "screening/volume", "screening/phantom", "screening/publish"},
    "highdicom": {"screening/publish"},
    "dicomweb_client": {"screening/archive"},
    "pynetdicom": {"screening/archive"},
    "requests": {"screening/archive"},
    "fsspec": {"screening/archive"},
    "s3fs": {"screening/archive"},
    "botocore": {"screening/archive"},
    "deltalake": {"screening/lake"},
    "duckdb": {"screening/lake"},
    "cryptography": {"screening/lake"},
    "sqlite3": {"screening/lake", "flows"},
    "sklearn": {"screening/risk", "screening/report"},
    "matplotlib": {"screening/report"},
    "PIL": {"screening/report"},
    "prefect": {"flows"},
    "dask": {"flows"},
    "distributed": {"flows"},
    "click": {"flows"},
    "rich": {"flows"},
    "torch": {"models"},
    "onnx": {"models"},
}
MODULE_LINES, FUNCTION_LINES = 400, 50


def modules() -> list[Path]:
    return sorted(p for top in ("screening", "flows") for p in (ROOT / top).rglob("*.py"))


def imports(module: Path) -> set[str]:
    """Every module name imported anywhere in a file, whole dotted names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found |= {f"{node.module}.{a.name}" for a in node.names}
    return found


def place(module: Path) -> str:
    parts = module.relative_to(ROOT).parts
    return f"screening/{parts[1]}" if parts[0] == "screening" and len(parts) > 2 else parts[0]


@pytest.mark.parametrize("module", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_room_imports_another_and_heavy_libraries_stay_at_home(module: Path) -> None:
    here = place(module)
    room = here.removeprefix("screening/") if here.startswith("screening/") else None
    for name in imports(module):
        top = name.split(".")[0]
        if top in HOMES:
            assert here in HOMES[top], f"{top} lives in {HOMES[top]}, not in {here}"
        if room and top == "screening" and name.count(".") >= 1:
            target = name.split(".")[1]
            assert target == room or target in SHARED, f"room {room} imports {name}"
        if top == "flows":
            assert here == "flows", f"{here} imports {name}"


@pytest.mark.parametrize("name", sorted(SHARED))
def test_what_all_share_imports_no_room(name: str) -> None:
    for imported in imports(ROOT / "screening" / f"{name}.py"):
        parts = imported.split(".")
        if parts[0] == "screening" and len(parts) > 1:
            assert parts[1] in SHARED


@pytest.mark.parametrize("module", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_comes_in_and_goes_out(module: Path) -> None:
    text = ast.get_docstring(ast.parse(module.read_text())) or ""
    assert text, "no module docstring"
    if module.name != "__init__.py":
        for phrase in ("Comes in", "Goes out", "Refuses"):
            assert phrase.lower() in text.lower(), f"the docstring lacks '{phrase}'"


@pytest.mark.parametrize("module", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_stay_short(module: Path) -> None:
    source = module.read_text()
    assert source.count("\n") <= MODULE_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            text = ast.get_docstring(node, clean=False) or ""
            length = (node.end_lineno or 0) - node.lineno - text.count("\n")
            assert length <= FUNCTION_LINES, f"{node.name} has {length} lines"


def test_every_room_is_known() -> None:
    found = {p.parent.name for p in (ROOT / "screening").glob("*/__init__.py")}
    assert found <= set(ROOMS)
    single = {p.stem for p in (ROOT / "screening").glob("*.py")} - {"__init__"}
    assert single == SHARED | COMPOSERS


def test_flows_hold_no_arithmetic() -> None:
    """No numpy in flows/: numbers are made in rooms, flows only hand them on."""
    for module in (ROOT / "flows").glob("*.py"):
        assert not {n for n in imports(module) if n.split(".")[0] in ("numpy", "scipy")}
