"""Two types of import contract for import-linter, beside those it brings.

`arrows` lists all that a part of the house may import of ours; `home` lists the only places that
may import a library or a part. Both look at direct imports: since every part has its arrows, what
can be reached indirectly follows. A part that does not exist (yet) breaks nothing.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

OURS = ("hubbub", "hubbub_protocol", "hubbub_client")

Arrow = tuple[str, str]


def inside(module: str, package: str) -> bool:
    """Whether `module` is `package` or lies in it."""
    return module == package or module.startswith(f"{package}.")


def inside_any(module: str, packages: Iterable[str]) -> bool:
    """Whether `module` lies in one of `packages`."""
    return any(inside(module, package) for package in packages)


def is_ours(module: str) -> bool:
    """Whether `module` belongs to one of our three packages."""
    return inside_any(module, OURS)


def parts(graph: ImportGraph, source: str) -> list[str]:
    """The packages that `source` names: itself, or each child of `X` for `X.*`."""
    parent, star, _ = source.partition(".*")
    if not star:
        return [source] if source in graph.modules else []
    return sorted(graph.find_children(parent)) if parent in graph.modules else []


def arrows_of(graph: ImportGraph, package: str) -> Iterator[Arrow]:
    """Every direct import that leaves `package`, type-only ones included."""
    for importer in sorted(graph.modules):
        if not inside(importer, package):
            continue
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            if not inside(imported, package):
                yield importer, imported


def forbidden_arrows(
    graph: ImportGraph, source: str, may_import: Iterable[str], never: Iterable[str] = ()
) -> list[Arrow]:
    """The imports that leave a part of `source` for something of ours not in `may_import`,
    or for a library in `never`.
    """
    allowed, banned = list(may_import), list(never)
    return [
        (importer, imported)
        for package in parts(graph, source)
        for importer, imported in arrows_of(graph, package)
        if inside_any(imported, banned) or (is_ours(imported) and not inside_any(imported, allowed))
    ]


def strangers(graph: ImportGraph, modules: Iterable[str], only_in: Iterable[str]) -> list[Arrow]:
    """The imports of `modules` from anywhere but themselves and `only_in`."""
    guarded, homes = list(modules), list(only_in)
    return [
        (importer, imported)
        for imported in sorted(graph.modules)
        if inside_any(imported, guarded)
        for importer in sorted(graph.find_modules_that_directly_import(imported))
        if not inside_any(importer, [*guarded, *homes])
    ]


def _check(graph: ImportGraph, broken: list[Arrow]) -> ContractCheck:
    lines = [
        f"{importer} -> {imported} (line {line})"
        for importer, imported in broken
        for line in _lines(graph, importer, imported)
    ]
    return ContractCheck(kept=not broken, metadata={"lines": lines})


def _lines(graph: ImportGraph, importer: str, imported: str) -> list[str]:
    details = graph.get_import_details(importer=importer, imported=imported)
    return [str(detail["line_number"]) for detail in details] or ["unknown"]


def _render(check: ContractCheck) -> None:
    for line in check.metadata["lines"]:
        output.print_error(line)
    output.new_line()


class ArrowsContract(Contract):
    """A part imports nothing of ours but itself and what `may_import` lists."""

    type_name = "arrows"

    source: Any = fields.StringField()
    may_import: Any = fields.ListField(subfield=fields.StringField())
    never: Any = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find the imports that no arrow allows."""
        return _check(graph, forbidden_arrows(graph, self.source, self.may_import, self.never))

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each such import with its line."""
        _render(check)


class HomeContract(Contract):
    """A library, or a part of ours, is imported only where it is at home."""

    type_name = "home"

    modules: Any = fields.ListField(subfield=fields.StringField())
    only_in: Any = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find the imports from elsewhere."""
        return _check(graph, strangers(graph, self.modules, self.only_in))

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each such import with its line."""
        _render(check)
