"""`python -m tools.docs.pictures`: the pictures of the documents, taken of the demo.

The chat page for the home page (`docs/assets`), which needs Chromium, and the terminal client for
its guide. Run it when one of them has changed.
"""

import asyncio
import html
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright
from rich.cells import cell_len

from hubbub_client import AiohttpTransport, Login
from hubbub_client.api import sign_in
from hubbub_terminal import ChatApp, Places, Start, parse
from tools.docs.pages import ROOT

LINK: Final = re.compile(r"(http://localhost:\d+)/#signin=\S+")
PASSWORD: Final = re.compile(r"password (\S+)")
TERMINAL: Final = 104, 33
TEXT: Final = re.compile(r'(<text [^>]*textLength=")([\d.]+)("[^>]*>)([^<]*)(?=</text>)')
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
            link = next(found for line in demo.stdout if (found := LINK.search(line)))
            word = next(found[1] for line in demo.stdout if (found := PASSWORD.search(line)))
            asyncio.run(terminal(link[1], word, Path(folder)))
            with sync_playwright() as playwright:
                path = shutil.which("chromium")
                browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=False)
                take(browser, link[0])
            demo.terminate()
            demo.communicate()


async def terminal(url: str, password: str, folder: Path) -> None:
    """The same chat in the terminal, with one of its messages chosen."""
    transport = AiohttpTransport(url)
    signed_in = await sign_in(transport, "login", Login("ada", password))
    await transport.close()
    app = ChatApp(Start(parse(url), token=signed_in.token), Places(folder))
    async with app.run_test(size=TERMINAL) as pilot:
        await _until(lambda: app.desk is not None and app.desk.arrived)
        await pilot.press("ctrl+k", *CHAT[:5].lower(), "enter")
        await _until(lambda: CHAT in app.export_screenshot().replace("&#160;", " "))
        await asyncio.sleep(3)  # whoever types, types; names are known
        await pilot.press("up")
        await pilot.pause()
        picture = TEXT.sub(_as_wide, app.export_screenshot())
        (ROOT / "docs" / "guide" / "terminal.svg").write_text(picture, "utf-8")
        await app.action_quit()
        await _until(lambda: app.desk is None)


def _as_wide(found: re.Match[str]) -> str:
    """A text as wide as it is on the screen, where some characters take two cells."""
    begin, length, end, text = found.groups()
    plain = html.unescape(text)
    wide = float(length) / len(plain) * cell_len(plain)
    return f"{begin}{wide:g}{end}{text}"


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


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
