"""How many bytes a page is, packed, with all that it loads of ours."""

import re
from collections.abc import Iterator

from flask.testing import FlaskClient

from benchmarks.desk import browser
from benchmarks.measure import Result
from benchmarks.statements import places_of
from benchmarks.world import World

MOST = 60.0  # KB
OWN = re.compile(r'(?:href|src)="(/assets/[^"#]+)')


def weight(world: World, account: tuple[object, str]) -> Iterator[Result]:
    client, draft_id = browser(world, account[1]), places_of(world, account[0])["draft"]
    pages = {"queue page, 50 rows": "/review", "review page": f"/review/{draft_id}"}
    for name, path in pages.items():
        page, loaded = packed(client, path), assets_of(client, path)
        kilobytes = (page + loaded) / 1000
        yield Result(
            f"{name}, packed {page / 1000:.1f} KB, with assets",
            kilobytes,
            MOST,
            "KB",
            "under 1.00",
            kilobytes / MOST,
        )


def assets_of(client: FlaskClient, path: str) -> int:
    addresses = set(OWN.findall(client.get(path).text))
    assert len(addresses) >= 4, "style sheet, htmx, modules and icons"
    return sum(packed(client, address) for address in addresses)


def packed(client: FlaskClient, path: str) -> int:
    answer = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200, (path, answer.status_code)
    return len(answer.get_data())
