"""Scripts of the page's own components: modules that import each other, joined into the one text Streamlit takes."""

import re
from collections.abc import Sequence
from pathlib import Path

APP = Path(__file__).parent


def joined_modules(modules: Sequence[str]) -> str:
    """Several modules as one script: of a package that is not installed Streamlit takes a script as one text only.

    Parameters
    ----------
    modules : sequence of str
        Their files below `mriseg/app`, each after those that it imports, the entry last. They share one scope, so no
        two of them may give the same name to different things.

    Returns
    -------
    str
        The modules without their imports and, but for the entry, their exports.

    Examples
    --------
    >>> script = joined_modules(("viewer/navigation.js", "viewer/slice_store.js"))
    >>> "import " in script, "export " in script, "function pixelSize" in script
    (False, False, True)
    """
    joined = "\n".join((APP / name).read_text("utf-8") for name in modules)
    without_imports = re.sub(r"^import [^;]*;\n", "", joined, flags=re.MULTILINE)
    return re.sub(r"^export (?!default )", "", without_imports, flags=re.MULTILINE)
