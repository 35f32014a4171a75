"""Only the edge knows Flask: a verb runs unchanged from a route, a job, the shell and a test."""

import ast
from pathlib import Path

ALLY = Path(__file__).parent.parent / "ally"
EDGE = {
    *("routes.py", "access.py", "worker.py", "internal.py", "oidc.py"),
    *("cli.py", "settings_cli.py", "ingest_cli.py"),
    # Servers of their own, which make an application's context.
    *("ingest.py", "listener.py", "live.py", "servers.py", "polling.py"),
}
GROUND_EDGE = {
    *("__init__.py", "assembly.py", "assets.py", "checks.py", "cli.py", "db.py"),
    *("health.py", "language.py", "logs.py", "web.py"),
}


def test_only_the_edge_knows_flask():
    wrong = [
        str(file.relative_to(ALLY))
        for file in ALLY.rglob("*.py")
        if not is_edge(file) and any(name.startswith("flask") for name in imports(file))
    ]
    assert wrong == []


def test_verbs_never_commit():
    allowed = EDGE | GROUND_EDGE
    wrong = [
        str(file.relative_to(ALLY))
        for file in ALLY.rglob("*.py")
        if file.name not in allowed and file.parent.name not in {"dev", "demo"}
        if "session.commit()" in file.read_text() and "# Committed here" not in file.read_text()
    ]
    assert wrong == []


def is_edge(file):
    if file.parent == ALLY:
        return file.name in GROUND_EDGE
    is_of_routes = file.name in EDGE or file.name.endswith("_routes.py")
    return is_of_routes or file.parent.name in {"dev", "demo"}


def imports(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
