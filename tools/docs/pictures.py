"""`python -m tools.docs.pictures`: the pictures of the home page, taken of the demo's chat page.

Needs Chromium. Run it when the page has changed; the pictures are kept in `docs/assets`.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from tools.docs.pages import ROOT

LINK: Final = re.compile(r"http://localhost:\d+/#signin=\S+")
CHAT: Final = "Lighthouse crew"
VIEWS: Final = {
    "chat-light": ("light", 1160, 720),
    "chat-dark": ("dark", 1160, 720),
    "phone-light": ("light", 390, 720),
    "phone-dark": ("dark", 390, 720),
}


def main() -> None:
    """Start the demo, and take each picture with the chat open. The link signs in once."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hubbub.cli", "demo", "--data", f"{folder}/town"]
        with subprocess.Popen(
            [*command, "--messages", "20000", "--rate", "1"], stdout=subprocess.PIPE, text=True
        ) as demo:
            assert demo.stdout is not None
            link = next(found[0] for line in demo.stdout if (found := LINK.search(line)))
            with sync_playwright() as playwright:
                path = shutil.which("chromium")
                browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=False)
                take(browser, link)
            demo.terminate()
            demo.communicate()


def take(browser: Browser, link: str) -> None:
    """One context for all, since signing in happens once."""
    context = browser.new_context(device_scale_factor=1.5)
    page = context.new_page()
    page.goto(link)
    page.get_by_text(CHAT).first.click()
    page.locator("#messages").wait_for()
    for name, (scheme, width, height) in VIEWS.items():
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": height})
        page.mouse.move(0, 0)
        page.locator("nav[aria-label='Chat list']").evaluate("list => list.scrollTo(0, 0)")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=ROOT / "docs" / "assets" / f"{name}.png")


if __name__ == "__main__":
    main()
