"""The documentation as a site: `python -m sphinx -W -c docs . site`, then open site/docs/index.html.

The pages are the Markdown files of the repository as they stand, so that GitHub shows the same; the source folder is
therefore the repository's root. Nothing is fetched while it is built.
"""

import pkgutil
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.sandbox import SandboxedEnvironment
from numpydoc import docscrape_sphinx
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mriseg.core.version import __version__  # noqa: E402

project, author, version = "mriseg", "The mriseg developers", __version__
copyright = f"{author}, Apache-2.0"
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
root_doc = "docs/index"
include_patterns = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/**"]

myst_heading_anchors = 4  # as GitHub makes them
myst_enable_extensions = ["attrs_inline"]

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # the types stand in the docstrings
numpydoc_show_class_members = False
default_role = "obj"  # a name in `...` becomes a link where there is such an object, else code

html_theme = "pydata_sphinx_theme"
html_title = f"mriseg {version}"
html_show_sourcelink = False
html_sidebars = {"**": ["globaltoc.html"]}  # the theme's own shows only what lies below a page
html_theme_options: dict[str, Any] = {
    "navbar_center": [],
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}


class Compiled(BytecodeCache):
    """Templates that were compiled, in memory."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


# It compiles its own template anew for each docstring, a fifth of the time that the site takes.
docscrape_sphinx.SandboxedEnvironment = partial(SandboxedEnvironment, bytecode_cache=Compiled())


class Wing(SphinxDirective):
    """`.. wing:: mriseg.mixture`: every module of a package with its public functions and classes."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        lines = []
        for name in _modules(self.arguments[0]):
            path = f"{name.replace('.', '/')}.py"
            members = ", ".join(_members(name))
            lines += [path, "-" * len(path), "", f".. automodule:: {name}"]
            lines += [f"   :members: {members}", ""] if members else [""]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def _modules(name: str) -> list[str]:
    """The modules of a package that have anything to say; a module's own name, if it is none."""
    top = import_module(name)
    below = pkgutil.walk_packages(getattr(top, "__path__", []), f"{name}.")
    names = [name, *(module.name for module in below)]
    return [one for one in names if import_module(one).__doc__]


def _members(name: str) -> list[str]:
    """What a module defines, or its `__all__`: asked for all members, autodoc looks at all that it imports, too."""
    module = import_module(name)
    own = [one for one, item in vars(module).items() if getattr(item, "__module__", None) == name]
    return getattr(module, "__all__", [one for one in own if not one.startswith("_")])


def _skip(app: Sphinx, kind: str, name: str, item: object, is_skipped: bool, options: object) -> bool | None:
    """Leave out what scikit-learn puts into every estimator: it links to pages of its own."""
    return True if name.startswith("set_") and name.endswith("_request") else None


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("wing", Wing)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
