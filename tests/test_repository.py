"""What the repository promises beside its code: style, types, links, pinned packages, and how the page is deployed."""

import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from streamlit import config

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part == "test-artifacts" for part in page.relative_to(ROOT).parts)
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# A server's settings by which anyone could come in or something goes out; each with what it must be.
PROTECTED = {
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "browser.gatherUsageStats": False,
}


def tool(*arguments: str) -> None:
    """Run one of the tools of requirements-dev.txt; fail with what it says."""
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
        if found[slug]:
            found[f"{slug}-{found[slug]}"] = 0
    return set(found)


def broken(page: Path) -> list[str]:
    """The links of a page to files or headings that are not there."""
    links = LINK.findall(FENCE.sub("", page.read_text("utf-8")))
    bad = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            bad.append(link)
    return bad


def locked() -> list[tuple[Requirement, list[str]]]:
    """The pinned packages of requirements.lock, each with its hashes."""
    lines = [
        line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.lstrip().startswith("#")
    ]
    entries = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(Requirement(entry.partition(" --hash")[0]), entry.split("--hash=")[1:]) for entry in entries]


def wanted() -> list[Requirement]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile, as pairs of an instruction and what follows it."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined]


def test_the_style_is_kept():
    tool("ruff", "check", ".")


def test_the_format_is_kept():
    tool("ruff", "format", "--check", ".")


@pytest.mark.slow
def test_the_types_are_right():
    tool("mypy")


def test_each_wing_imports_only_those_below_it():
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([script, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def lint_scripts(folder: Path) -> subprocess.CompletedProcess[str]:
    """What the linter says of the scripts and styles in `folder`, by the rules of this repository."""
    linter = Path(sys.executable).with_name("biome")
    command = [linter, "ci", "--error-on-warnings", "--colors=off"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_scripts_and_styles_are_sound():
    done = lint_scripts(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    count = sum(1 for kind in ("*.js", "*.css") for _ in (ROOT / "mriseg").rglob(kind))
    assert int(re.search(r"Checked (\d+) files", done.stdout)[1]) >= count


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("style.css", "p {\n  colour: red;\n}\n", "noUnknownProperty"),
        ("script.js", "export const one = two;\n", "noUndeclaredVariables"),
        ("script.js", "const one = 1;\n", "noUnusedVariables"),
        ("script.js", 'import { one } from "./other.js";\n\nexport const two = one;\n', "noUnresolvedImports"),
        ("script.js", "export const one = 1\n", "format"),
        ("script.js", "export function one(two) {\n" + 61 * "  two();\n" + "}\n", "noExcessiveLinesPerFunction"),
    ],
)
def test_a_fault_in_a_script_or_style_is_found(tmp_path, name, text, rule):
    (tmp_path / "biome.jsonc").write_text((ROOT / "biome.jsonc").read_text())
    (tmp_path / "mriseg/app/viewer").mkdir(parents=True)
    (tmp_path / "mriseg/app/viewer" / name).write_text(text)
    done = lint_scripts(tmp_path)
    assert done.returncode != 0
    assert rule in done.stdout + done.stderr


def styled_twice(sheets: dict[str, str]) -> dict[str, set[str]]:
    """Classes whose looks several sheets set for every element that has them; custom properties are no looks."""
    found: dict[str, set[str]] = {}
    for name, text in sheets.items():
        rules = re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
        for selectors, declarations in rules:
            is_looks = any(part.strip() and not part.strip().startswith("--") for part in declarations.split(";"))
            for selector in selectors.split(",") if is_looks else ():
                if alone := re.fullmatch(r"\.([\w-]+)", selector.strip()):
                    found.setdefault(alone[1], set()).add(name)
    return {name: files for name, files in found.items() if len(files) > 1}


def test_no_two_parts_of_the_page_style_the_same_class():
    """All sheets hold on the whole page: a bar of one part would shrink the bars of another."""
    sheets = {str(file): file.read_text("utf-8") for file in (ROOT / "mriseg/app").rglob("*.css")}
    assert styled_twice(sheets) == {}


def test_a_class_of_two_sheets_is_found():
    sheets = {"a": ".bar, .own {height: 8px}", "b": "p .own {height: 1px}\n.bar {width: 1px}", "c": ".own {--x: 1px}"}
    assert styled_twice(sheets) == {"bar": {"a", "b"}}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A `heading`, twice\n## A heading twice\n[](#a-heading-twice-1) [](#heading) [](no.md) [](.)")
    assert broken(page) == ["#heading", "no.md"]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_the_lock_holds_one_allowed_version_of_each_requirement(python):
    there = {"python_full_version": f"{python}.0", "python_version": python, "sys_platform": "linux"}
    for requirement in wanted():
        versions = [
            next(iter(entry.specifier)).version
            for entry, _ in locked()
            if entry.name == requirement.name and (entry.marker is None or entry.marker.evaluate(there))
        ]
        assert len(versions) == 1, f"{requirement} has {versions}: renew the lock as its head says"
        assert Version(versions[0]) in requirement.specifier, f"{requirement}: renew the lock as its head says"


def test_everything_in_the_lock_is_pinned_and_hashed():
    entries = locked()
    assert len(entries) > len(wanted())
    for entry, hashes in entries:
        assert [specifier.operator for specifier in entry.specifier] == ["=="], str(entry)
        assert hashes, str(entry)
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", found.strip()) for found in hashes), str(entry)


def test_the_lock_names_no_place_to_take_packages_from():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert not [line for line in lines if "://" in line or " @ " in line]
    assert not [line for line in lines if re.match(r"\s*-(?!-hash=)", line)]


def not_packaged(files: list[Path], patterns: dict[str, list[str]]) -> list[Path]:
    """What an installed package would lack of `files`, whose folders are packages."""
    return [
        file
        for file in files
        if not any(
            fnmatch(".".join(file.parent.parts), package) and fnmatch(file.name, pattern)
            for package, names in patterns.items()
            for pattern in names
        )
    ]


def test_an_installed_package_lacks_no_file():
    listed = subprocess.run(["git", "ls-files", "mriseg"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [Path(line) for line in listed.stdout.splitlines() if not line.endswith(".py")]
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert {file.suffix for file in files} >= {".css", ".js"}
    assert not_packaged(files, patterns) == []
    assert not_packaged([Path("mriseg/app/page.html")], patterns) == [Path("mriseg/app/page.html")]
    assert all((ROOT / file.parent / "__init__.py").exists() for file in files)  # what is no package is not searched


def test_nothing_comes_before_requirements_txt_on_community_cloud():
    # The first of these that it finds is what it installs; packages.txt would be asked of Debian.
    names = ("uv.lock", "Pipfile", "environment.yml", "packages.txt")
    assert not [name for name in names if (ROOT / name).exists()]


def test_the_page_is_protected_and_tells_nobody_of_its_visitors():
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    for name, value in PROTECTED.items():
        section, _, key = name.partition(".")
        assert settings[section].get(key, config.get_config_options()[name].default_val) is value, name


def test_the_container_runs_as_a_fixed_user_who_is_not_root():
    assert [value for name, value in instructions() if name == "USER"] == ["10001:10001"]


def test_the_container_says_which_version_of_its_base_it_stands_on():
    bases = [value for name, value in instructions() if name == "ARG" and value.startswith("PYTHON=")]
    assert len(bases) == 1
    assert re.fullmatch(r"PYTHON=3\.\d+-slim-[a-z]+", bases[0])
    assert all(value.startswith("python:${PYTHON}") for name, value in instructions() if name == "FROM")


def test_the_container_copies_what_is_there_and_not_left_out():
    left_out = (ROOT / ".dockerignore").read_text().splitlines()
    kept = [line[1:] for line in left_out if line.startswith("!")]
    assert "*" in left_out
    for name, value in instructions():
        if name != "COPY" or value.startswith("--from"):
            continue
        for source in value.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source.rstrip("/"), pattern) for pattern in kept), source


def test_the_settings_of_the_container_are_those_of_streamlit():
    known = {option.env_var for option in config.get_config_options().values()}
    set_by = [pair for name, value in instructions() if name == "ENV" for pair in shlex.split(value)]
    settings = dict(pair.split("=", 1) for pair in set_by)
    ours = {name for name in settings if name.startswith("STREAMLIT_")}
    composed = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["mriseg"]["environment"]
    ours |= {name for name in composed if name.startswith("STREAMLIT_")}
    assert ours - known == set()
    assert settings["STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION"] == settings["STREAMLIT_SERVER_ENABLE_CORS"] == "true"
    assert settings["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] == "false"
    limit = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())["server"]["maxUploadSize"]
    assert int(settings["STREAMLIT_SERVER_MAX_UPLOAD_SIZE"]) == limit
    for proxy in ("nginx.conf", "Caddyfile"):  # a file of just that size has an envelope around it
        assert re.search(rf"\b{limit + 1}(m|MB)\b", (ROOT / "deploy" / proxy).read_text()), proxy


def test_the_composed_container_is_confined():
    service = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["mriseg"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] == service["memswap_limit"]  # so nothing is swapped to a disk
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    (scratch,) = service["tmpfs"]
    held = int(re.search(r"size=(\d+)m", scratch)[1]) + int(service["environment"]["MRISEG_SERVER_MB"])
    assert held < 1024 * int(service["mem_limit"].removesuffix("g"))
