"""`make bench`: prints the table and writes bench.json."""

import json
from pathlib import Path

from benchmarks import decision, desk, intake, pages, parsing, tabs
from benchmarks.measure import Result, table
from benchmarks.world import world


def main() -> None:
    results: list[Result] = []
    with world() as made:
        print("Filling a desk with 10,000 conversations ...", flush=True)
        account_id, token = desk.fill(made)
        desk.vacuum(made)
        for part in (
            lambda: pages.pages(made, account_id, token),
            lambda: decision.decision(made, account_id),
            lambda: tabs.open_tabs(made, account_id),
            lambda: parsing.parsing(),
            lambda: intake.whole(made, account_id),
            lambda: intake.webhook(made, account_id),
        ):
            for result in part():
                print(f"  {result.name}: {result.ratio:.2f} ({result.goal})", flush=True)
                results.append(result)
    print()
    print(table(results))
    Path("bench.json").write_text(json.dumps([r.as_json() for r in results], indent=2) + "\n")


main()
