import re
from os.path import normpath
from pathlib import PurePosixPath

import pytest

from mriseg.app.scripts import APP, joined_modules
from mriseg.app.story.story import MODULES as STORY
from mriseg.app.viewer.viewer import MODULES as VIEWER

SCRIPTS = {"viewer": VIEWER, "story": STORY}
IMPORT = re.compile(r'^import [^;]* from "(\.[^"]+)";$', re.MULTILINE)


@pytest.mark.parametrize("folder", SCRIPTS)
def test_all_modules_of_a_component_are_joined_each_after_those_that_it_imports(folder):
    modules = SCRIPTS[folder]
    assert {f"{folder}/{file.name}" for file in (APP / folder).glob("*.js")} <= set(modules)
    for at, name in enumerate(modules):
        source = (APP / name).read_text("utf-8")
        imports = [normpath(PurePosixPath(name).parent / imported) for imported in IMPORT.findall(source)]
        assert set(imports) <= set(modules[:at]), name
        assert len(imports) == len(re.findall(r"^\s*import\b", source, re.MULTILINE)), name
        assert " as " not in "".join(re.findall(r"^import [^;]*;", source, re.MULTILINE)), name  # no renaming


@pytest.mark.parametrize("modules", SCRIPTS.values(), ids=SCRIPTS)
def test_a_joined_script_imports_nothing_and_exports_its_entry(modules):
    joined = joined_modules(modules)
    assert not re.search(r"^\s*import\b", joined, re.MULTILINE)
    assert re.findall(r"^export .*?\(", joined, re.MULTILINE) == ["export default function mount("]
