"""Looks up every pinned version in requirements.lock among the known vulnerabilities; fails if there is one.

What could not be looked up is said and does not fail: pip-audit itself then says that it found nothing, and ends well.
"""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"
AT_MOST = 300  # seconds
NOT_REACHABLE = (
    "AUDIT: NOT REACHABLE. The database of vulnerabilities knows {} of {} packages; the others were not audited."
)


def main() -> int:
    """Run the audit and return the exit status."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--require-hashes", "--disable-pip"]
    try:
        done = subprocess.run(
            [*command, "--format=json", "--progress-spinner=off"], capture_output=True, text=True, timeout=AT_MOST
        )
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        print("AUDIT: NOT REACHABLE. No database of vulnerabilities answered; nothing was audited.")
        return 0
    known = [package for package in packages if "skip_reason" not in package]
    found = [(package, flaw) for package in known for flaw in package["vulns"]]
    for package, flaw in found:
        fixed = ", ".join(flaw["fix_versions"]) or "no version yet"
        print(f"AUDIT: {package['name']} {package['version']}: {flaw['id']}, mended in {fixed}")
    if len(known) < len(packages):
        print(NOT_REACHABLE.format(len(known), len(packages)))
    else:
        print(f"AUDIT: {len(packages)} packages, {len(found)} known vulnerabilities.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
