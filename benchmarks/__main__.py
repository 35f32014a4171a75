"""`make bench`: prints the table and writes bench.json.

python -m benchmarks pages decision      only these parts
"""

import json
import sys
from pathlib import Path

from benchmarks import (
    allocation,
    decision,
    desk,
    first_load,
    intake,
    pages,
    parsing,
    rewards,
    statements,
    tabs,
    weight,
)
from benchmarks.measure import Result, table
from benchmarks.world import world


def main() -> None:
    results: list[Result] = []
    with world() as made:
        print(f"Filling a desk with {desk.CONVERSATIONS:,} conversations ...", flush=True)
        account = desk.fill(made)
        desk.vacuum(made)
        parts = {
            "pages": lambda: pages.pages(made, account),
            "statements": lambda: statements.statements(made, account),
            "weight": lambda: weight.weight(made, account),
            "first_load": lambda: first_load.first_load(),
            "decision": lambda: decision.decision(made, account),
            "tabs": lambda: tabs.open_tabs(made, account[0]),
            "allocation": lambda: allocation.allocation(),
            "community": lambda: rewards.ingestion(made, account[0]),
            "epoch_close": lambda: rewards.epoch_close(made, account[0]),
            "parsing": lambda: parsing.parsing(),
            "intake": lambda: intake.whole(made, account[0]),
            "webhook": lambda: intake.webhook(made, account[0]),
        }
        for name in sys.argv[1:] or parts:
            for result in parts[name]():
                print(f"  {result.name}: {result.ratio:.2f} ({result.goal})", flush=True)
                results.append(result)
    print()
    print(table(results))
    Path("bench.json").write_text(json.dumps([r.as_json() for r in results], indent=2) + "\n")


main()
