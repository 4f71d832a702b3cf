"""The documents: the site builds, and what they name is there."""

import ast
import re
import subprocess
import sys
from glob import glob
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import mriseg
from mriseg import Contrast
from mriseg.cli import main
from mriseg.export.statistics import stats
from mriseg.segmentation.pipeline import STAGES

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / "docs/api").glob("*.md"), *ROOT.glob("*.md")])
# A file by its path from the root, from mriseg/ or from the page; a star stands for any name.
FILE = re.compile(r"[\w./*-]*\w/[\w.*-]+\.(?:py|js|css|toml|yaml|txt)\b")
FOLDER = re.compile(r"`((?:mriseg|tests|benchmarks|docs|deploy)/[\w/]*)`")
NAMED_IN = re.compile(r"`(\w+)(?:\(\))?` (?:of|in) `(mriseg/[\w/]+\.py)`")
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
MESSAGE = re.compile(r"(?<!\*)\*([^*|\n]{8,})\*(?!\*)")
TABLE = re.compile(r"<!-- (\w+) -->\n(.*?)\n<!-- /\1 -->", re.DOTALL)
LONGEST_README, LARGEST_SCREENSHOT = 180, 300_000


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def missing(text: str, page: Path) -> list[str]:
    """The files and folders that a page names and that are not there."""
    named = {*FILE.findall(re.sub(r"https?://\S+", "", text)), *FOLDER.findall(text)}
    bases = (ROOT, ROOT / "mriseg", page.parent)
    return sorted(path for path in named if not any(glob(str(base / path)) for base in bases))


def literals() -> list[str]:
    """Every text in the code, with ... for what is filled in, in small letters."""
    texts = []
    for file in (ROOT / "mriseg").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "..." for part in node.values]
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(re.sub(r"{[^}]*}", "...", node.value))
    return [text.lower() for text in texts]


def unsaid(text: str, said: list[str]) -> list[str]:
    """The messages in italics that nothing says."""
    return [words for words in MESSAGE.findall(text) if not any(words.lower() in one for one in said)]


def rows(page: Path, marker: str) -> list[dict[str, str]]:
    """The table between two markers, each row by the titles of its columns."""
    table = next(table for name, table in TABLE.findall(page.read_text("utf-8")) if name == marker)
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs"]
    done = subprocess.run(
        [*command, "-d", tmp_path / "doctrees", ".", tmp_path / "site"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mriseg.segment(" in re.sub(r"<[^>]*>", "", (tmp_path / "site/docs/api/public.html").read_text("utf-8"))
    own = (tmp_path / "site/docs/api/mixture.html").read_text("utf-8")
    for module in (ROOT / "mriseg/mixture").glob("[a-z]*.py"):
        assert f'id="module-mriseg.mixture.{module.stem}"' in own


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_is_there(page):
    assert missing(page.read_text("utf-8"), page) == []


def test_a_file_that_is_not_there_is_found():
    text = "`mriseg/core/scan.py`, app/panels/*.py, `mriseg/brain/`; mriseg/core/gone.py `mriseg/gone/` app/gone/*.py"
    assert missing(text, ROOT / "README.md") == ["app/gone/*.py", "mriseg/core/gone.py", "mriseg/gone/"]


def test_the_architecture_names_every_wing_and_the_reference_shows_it():
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    shown = (ROOT / "docs/api/index.md").read_text("utf-8").splitlines()
    wings = [path for path in (ROOT / "mriseg").iterdir() if (path / "__init__.py").exists()]
    assert len(wings) > 10
    for wing in wings:
        assert f"| `mriseg/{wing.name}/` |" in page
        assert wing.name in shown
        assert f".. wing:: mriseg.{wing.name}\n" in (ROOT / f"docs/api/{wing.name}.md").read_text("utf-8")


def test_the_architecture_names_every_module_or_its_folder():
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    wings = {f"mriseg/{path.name}/" for path in (ROOT / "mriseg").iterdir()}
    for module in (ROOT / "mriseg").rglob("*.py"):
        path = str(module.relative_to(ROOT))
        folders = {f"{folder}/" for folder in map(str, module.relative_to(ROOT).parents)} - wings - {"mriseg/"}
        named = any(f"`{one}`" in page for one in (path, *folders))
        assert named or module.name.startswith("__"), f"{path} is not in docs/architecture.md"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_name_that_a_page_puts_into_a_module_is_there(page):
    for name, path in NAMED_IN.findall(page.read_text("utf-8")):
        assert re.search(rf"^(?:def |class )?{name}\b", (ROOT / path).read_text("utf-8"), re.MULTILINE), (
            f"{name}, {path}"
        )


def test_the_stages_of_the_architecture_are_those_of_the_engine():
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    table = re.search(r"## The way of a scan\n(.*?)\n## ", page, re.DOTALL)[1]
    assert re.findall(r"^\| (\w+) \|", table, re.MULTILINE) == ["stage", "read", *STAGES, "result"]


def test_the_reference_holds_every_public_name():
    page = (ROOT / "docs/api/public.md").read_text("utf-8")
    names = set(re.findall(r"^\.\. auto\w+:: (\w+)$", page, re.MULTILINE))
    assert names == set(mriseg.__all__) - {"__version__"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_the_examples_import_is_there(page):
    for code in PYTHON.findall(page.read_text("utf-8")):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mriseg"):
                assert all(hasattr(import_module(node.module), alias.name) for alias in node.names), ast.unparse(node)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "mriseg":
                assert hasattr(mriseg, node.attr), ast.unparse(node)


def test_the_options_that_the_pages_name_are_those_of_the_command_line(capsys):
    known = set()
    for command in ("segment", "cohort", "list", "samples"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        known |= set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))
    page = (ROOT / "docs/command-line.md").read_text("utf-8")
    assert set(re.findall(r"--[a-z][a-z-]+", page)) <= known
    options = re.search(r"## Options of `segment`\n(.*?)\n## ", page, re.DOTALL)
    with pytest.raises(SystemExit):
        main(["segment", "--help"])
    named = set(re.findall(r"^\| `(--[a-z-]+)", options[1], re.MULTILINE))
    assert named == set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help"}


@pytest.mark.slow
def test_the_keys_of_the_json_are_explained(segmented):
    page = (ROOT / "docs/command-line.md").read_text("utf-8")
    table = re.search(r"### The figures as JSON\n(.*?)\n## ", page, re.DOTALL)[1]
    first = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|"))
    assert set(re.findall(r"`(\w+)`", first)) == set(stats(segmented(Contrast.T1)))


def test_every_message_that_troubleshooting_explains_is_said():
    text = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    assert len(MESSAGE.findall(text)) > 40
    assert unsaid(text, literals()) == []


def test_a_message_that_nobody_says_is_found():
    said = ["the image is ...; a slice needs at least ... x ... pixels"]
    assert unsaid("*needs at least ... x ...*, **bold words**, *nobody says this*", said) == ["nobody says this"]


def test_the_readme_is_short_and_begins_with_the_page():
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= LONGEST_README
    assert "](docs/images/page.png)" in " ".join(lines[:6])
    assert (ROOT / "docs/images/page.png").stat().st_size <= LARGEST_SCREENSHOT


def test_the_figures_of_the_readme_are_measured():
    measured = {row["mean of"]: row for row in rows(ROOT / "docs/measured.md", "tissues") if row["method"] == "mriseg"}
    shown = rows(ROOT / "README.md", "headline")
    assert len(shown) >= 5
    for row in shown:
        assert {title: measured[row["scans"]][title] for title in row if title != "scans"}.items() <= row.items()


@pytest.mark.parametrize("form", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=name_of)
def test_an_issue_form_asks_what_github_knows_and_warns_of_scans(form):
    content = yaml.safe_load(form.read_text("utf-8"))
    assert {"name", "description", "body"} <= set(content)
    parts = content["body"]
    assert {part["type"] for part in parts} <= {"markdown", "textarea", "input", "dropdown", "checkboxes"}
    ids = [part["id"] for part in parts if part["type"] != "markdown"]
    assert len(ids) == len(set(ids))
    for part in parts:
        assert {"markdown": "value", "dropdown": "options", "checkboxes": "options"}.get(part["type"], "label") in (
            part["attributes"]
        )
    if form.name != "wish.yml":
        assert "attach no scan of a person" in form.read_text("utf-8")


def test_what_is_checked_before_a_commit_is_installed_here_and_fetched_from_nowhere():
    content = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    tools = (ROOT / "requirements-dev.txt").read_text("utf-8")
    assert [repository["repo"] for repository in content["repos"]] == ["local"]
    for hook in content["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert re.search(rf"^{hook['entry'].split()[0]}\b", tools, re.MULTILINE)
