"""Small pieces of source with what each rule must say of them."""

import ast
from dataclasses import dataclass, field

from tests.architecture.rules import Rule, broad_excepts, late_imports, sleeps, stray_tasks


@dataclass(frozen=True)
class Snippet:
    """A rule, a piece of source, and the (scope, text) of each finding."""

    name: str
    rule: Rule
    source: str
    found: list[tuple[str, str]] = field(default_factory=list)

    @property
    def tree(self) -> ast.Module:
        """The syntax tree of the source."""
        return ast.parse(self.source)


IMPORTS = """
import top
if TYPE_CHECKING:
    from elsewhere import Kind
class Door:
    def open(self):
        from late import thing
        return lambda: __name__
async def later():
    if True:
        import also_late
"""

EXCEPTS = """
def swallow():
    try: act()
    except Exception: pass
class Loop:
    async def run(self):
        try: act()
        except (ValueError, builtins.BaseException) as error: log(error)
def bare():
    try: act()
    except: return
def careful():
    try: act()
    except ValueError: pass
    try: act()
    except BaseException:
        undo()
        raise
def disguised():
    try: act()
    except Exception as error:
        raise ValueError from error
"""

TASKS = """
class Owner:
    group: asyncio.TaskGroup
    def __init__(self, tasks: TaskGroup | None):
        self._tasks = tasks
    async def fine(self):
        async with asyncio.TaskGroup() as ours:
            ours.create_task(act())
        self.group.create_task(act())
        self._tasks.create_task(act())
    async def stray(self):
        asyncio.create_task(act())
        self.loop.create_task(act())
async def strays():
    asyncio.ensure_future(act())
    create_task(act())
"""

SLEEPS = """
async def test():
    await asyncio.sleep(0)
    await asyncio.sleep(interval)
    await asyncio.sleep(0.1)
    sleep(1)
def test_page(page):
    page.wait_for_timeout(500)
"""

SNIPPETS = [
    Snippet(
        "imports",
        late_imports,
        IMPORTS,
        [("Door.open", "from late import thing"), ("later", "import also_late")],
    ),
    Snippet(
        "excepts",
        broad_excepts,
        EXCEPTS,
        [
            ("swallow", "except Exception"),
            ("Loop.run", "except (ValueError, builtins.BaseException)"),
            ("bare", "except"),
            ("disguised", "except Exception"),
        ],
    ),
    Snippet(
        "tasks",
        stray_tasks,
        TASKS,
        [
            ("Owner.stray", "asyncio.create_task"),
            ("Owner.stray", "self.loop.create_task"),
            ("strays", "asyncio.ensure_future"),
            ("strays", "create_task"),
        ],
    ),
    Snippet(
        "sleeps",
        sleeps,
        SLEEPS,
        [
            ("test", "asyncio.sleep(0.1)"),
            ("test", "sleep(1)"),
            ("test_page", "page.wait_for_timeout(500)"),
        ],
    ),
]
