"""`python -m tools.docs [FOLDER]`: builds the site into FOLDER, by default dist/docs.

Fails when a link leads nowhere, when something would be loaded from another host, and when a page
is missing from the table of contents.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.docs.pages import ROOT, Broken, assemble
from tools.docs.verify import faults

TARGET: Final = ROOT / "dist" / "docs"


def build(target: Path) -> list[str]:
    """Build the site; what is wrong with it."""
    work = target.with_name(f"{target.name}-source")
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    try:
        assemble(work / "pages", work / "zensical.toml")
    except Broken as error:
        return [str(error)]
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(
        [*command, "--config-file", str(work / "zensical.toml")],
        cwd=work,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return [done.stdout + done.stderr]
    shutil.move(work / "site", target)
    shutil.rmtree(work)
    return list(faults(target))


def main(arguments: list[str]) -> int:
    """The exit code: 0 where the site is as it should be."""
    target = Path(arguments[0]) if arguments else TARGET
    wrong = build(target.absolute())
    for fault in wrong:
        print(fault, file=sys.stderr)
    if not wrong:
        print(f"{target.absolute() / 'index.html'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
