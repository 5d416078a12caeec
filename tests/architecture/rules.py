"""The rules that Python source is held to, as pure functions from a syntax tree to findings."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One place that breaks a rule. `where` names the enclosing function, `Class.method` style."""

    line: int
    where: str
    what: str


Rule = Callable[[ast.Module], Iterator[Finding]]
Function = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def scoped(tree: ast.AST, scope: tuple[str, ...] = ()) -> Iterator[tuple[ast.AST, str, bool]]:
    """Every node below `tree`, with its scope's name and whether it lies in a function."""
    return _scoped(tree, scope, within=False)


def _scoped(
    tree: ast.AST, scope: tuple[str, ...], *, within: bool
) -> Iterator[tuple[ast.AST, str, bool]]:
    for child in ast.iter_child_nodes(tree):
        yield child, ".".join(scope) or "module", within
        inner, deeper = scope, within
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = (*scope, child.name)
        if isinstance(child, Function):
            deeper = True
        yield from _scoped(child, inner, within=deeper)


def late_imports(tree: ast.Module) -> Iterator[Finding]:
    """Imports inside functions."""
    for node, where, within in scoped(tree):
        if within and isinstance(node, ast.Import | ast.ImportFrom):
            yield Finding(node.lineno, where, ast.unparse(node))


def broad_excepts(tree: ast.Module) -> Iterator[Finding]:
    """Handlers of everything that do not end by raising it again."""
    for node, where, _ in scoped(tree):
        if not isinstance(node, ast.ExceptHandler) or not _catches_all(node.type):
            continue
        last = node.body[-1]
        if not (isinstance(last, ast.Raise) and last.exc is None):
            caught = ast.unparse(node.type) if node.type else ""
            yield Finding(node.lineno, where, f"except {caught}".strip())


def _catches_all(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_catches_all(element) for element in caught.elts)
    return caught is None or _last_name(caught) in {"Exception", "BaseException"}


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def stray_tasks(tree: ast.Module) -> Iterator[Finding]:
    """Tasks started outside a TaskGroup, where nobody waits for them or sees them fail."""
    groups = set(_task_groups(tree))
    for node, where, _ in scoped(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _last_name(node.func)
        owner = ast.unparse(node.func).rpartition(".")[0]
        if name == "ensure_future" or (name == "create_task" and owner not in groups):
            yield Finding(node.lineno, where, ast.unparse(node.func))


def _task_groups(tree: ast.Module) -> Iterator[str]:
    """The names that hold a TaskGroup: bound by `async with`, annotated, or assigned from such."""
    for node in ast.walk(tree):
        match node:
            case ast.withitem(context_expr=ast.Call(func=made), optional_vars=ast.expr() as bound):
                if _last_name(made) == "TaskGroup":
                    yield ast.unparse(bound)
            case ast.arg(arg=name, annotation=ast.expr() as kind) if "TaskGroup" in ast.unparse(
                kind
            ):
                yield name
                yield f"self.{name}"
                yield f"self._{name}"
            case ast.AnnAssign(target=target, annotation=kind) if "TaskGroup" in ast.unparse(kind):
                yield ast.unparse(target)
                yield f"self.{ast.unparse(target)}"
            case ast.Assign(targets=[target], value=ast.Call(func=made)):
                if _last_name(made) == "TaskGroup":
                    yield ast.unparse(target)


def sleeps(tree: ast.Module) -> Iterator[Finding]:
    """Sleeps of a fixed length other than zero: tests wait for conditions."""
    for node, where, _ in scoped(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name, first = _last_name(node.func), node.args[0]
        fixed = isinstance(first, ast.Constant) and first.value != 0
        if name in {"sleep", "wait_for_timeout"} and fixed:
            yield Finding(node.lineno, where, ast.unparse(node))
