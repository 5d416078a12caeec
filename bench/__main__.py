"""`python -m bench [name …]`: print the table of figures."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import machine
from bench.context import Context, Skipped
from bench.load.sessions import Broken
from bench.profiler import Profiler
from bench.row import Row, details, table
from bench.scenarios import (
    beside,
    changes,
    cluster_storm,
    commit,
    fan_out,
    history,
    large_cluster,
    large_group,
    memory,
    missed,
    nodes,
    one_to_one,
    presence,
    receipts,
    start,
    storm,
    two_thousand,
)

SCENARIOS: dict[str, Callable[[Context], Row]] = {
    "one_to_one": one_to_one.run,
    "two_thousand": two_thousand.run,
    "memory": memory.run,
    "fan_out": fan_out.run,
    "changes": changes.run,
    "beside": beside.run,
    "large_group": large_group.run,
    "receipts": receipts.run,
    "storm": storm.run,
    "cluster_storm": cluster_storm.run,
    "presence": presence.run,
    "missed_10000": missed.ten_thousand,
    "history": history.run,
    "start": start.run,
    "missed_1000": missed.thousand,
    "commit": commit.run,
    "nodes": nodes.run,
    "large_cluster": large_cluster.run,
}

QUIET = 0.1  # cores that others may use before a figure says so


def main() -> int:
    """0 unless a scenario broke: a message lost, doubled, out of order, or no answer at all."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and folders end too
    profiler = Profiler(options.profile) if options.profile else None
    context = Context(options.quick, options.url, profiler)
    if not machine.pin(machine.LOAD_CORE):
        context.say("this machine has one core: server and load share it")
    if machine.allow_files(20_000) < 16_000:
        context.say("fewer than 16,000 open files are allowed: large scenarios will break")
    began = time.time()
    rows = [_run(name, context) for name in options.names or SCENARIOS]
    command = "python -m bench" + (" --quick" if options.quick else "")
    command += f" --url {options.url}" if options.url else ""
    print(f"{machine.line()}; server on core {machine.SERVER_CORE}, load on {machine.LOAD_CORE}")
    print(f"{time.strftime('%Y-%m-%d')}, {(time.time() - began) / 60:.1f} minutes\n")
    print(table(rows), end="\n\n")
    print(details(rows, command))
    if options.json:
        found = {row.name: row.values | {"verdict": row.verdict} for row in rows}
        text = json.dumps({"machine": machine.line(), "rows": found}, indent=1)
        Path(options.json).write_text(text + "\n", encoding="utf-8")
    return 1 if any(row.broken for row in rows) else 0


def _run(name: str, context: Context) -> Row:
    context.say(f"── {name}")
    neighbours = machine.Neighbours()
    try:
        row = SCENARIOS[name](context)
    except Skipped as why:
        return Row(name, name, "", "", str(why), verdict="skipped")
    except (Broken, RuntimeError, OSError, ValueError) as error:
        context.say(f"broken: {error}")
        return Row(name, name, "", "", "–", verdict="BROKEN", broken=str(error))
    others = neighbours.cores()
    if others > QUIET:
        row.notes.append(f"NOT QUIET: other processes kept {others:.2f} cores busy meanwhile")
    row.values["other_cores"] = round(others, 2)
    return row


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Print the table of figures. Progress is on stderr."
    )
    names = ", ".join(SCENARIOS)
    parser.add_argument("names", nargs="*", metavar="name", help=f"rows, all if none: {names}")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, for a look")
    parser.add_argument("--url", help="measure this Hubbub instead of one that is started here")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument(
        "--profile", metavar="DIR", type=Path, help="write profiles of the server there; slower"
    )
    options = parser.parse_args()
    for name in options.names:
        if name not in SCENARIOS:
            parser.error(f"there is no row {name!r}; there are {names}")
    return options


if __name__ == "__main__":
    sys.exit(main())
