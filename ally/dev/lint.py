"""`make lint`: style, types, import contracts, drift of the migrations and of the schema's page.

    python -m ally.dev.lint

Every look is taken, and the exit status says whether all were good.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ally.dev import postgres

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent


def main() -> None:
    looks = [
        ["ruff", "check", "--quiet"],
        ["ruff", "format", "--check", "--quiet"],
        ["mypy", "--no-error-summary"],
        ["lint-imports"],
        ["python", "-m", "ally.dev.translations", "check"],
    ]
    bad = [look for look in looks if not is_good(look, dict(os.environ))]
    bad += database_looks()
    for look in bad:
        print(f"not good: {' '.join(look)}", flush=True)
    raise SystemExit(1 if bad else 0)


def database_looks() -> list[list[str]]:
    """The looks that failed of those that need a database, on a scratch one."""
    with tempfile.TemporaryDirectory() as home, postgres.running(test_folder()) as server:
        name = f"ally_lint_{os.getpid()}"
        urls = server.fresh_database(name)
        here = {"ALLY_HOME": home, "ALLY_ENV": "development"}
        environment = {**os.environ, **here, **{k.upper(): url for k, url in urls.items()}}
        try:
            if not is_good(["flask", "db", "upgrade"], environment, quiet=True):
                return [["flask", "db", "upgrade"]]
            looks = [["flask", "db", "check"], ["flask", "schema", "--check"]]
            return [look for look in looks if not is_good(look, environment, quiet=True)]
        finally:
            server.drop_database(name)


def test_folder() -> Path:
    return Path(os.environ.get("ALLY_TEST_HOME", ROOT / "var" / "test")).absolute() / "postgres"


def is_good(look: list[str], environment: dict[str, str], *, quiet: bool = False) -> bool:
    """Run one look; `quiet` shows what it says only when it is not good."""
    command = [str(BIN / look[0]), *look[1:]]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=quiet)
    if quiet and done.returncode:
        print(done.stdout, done.stderr, sep="\n", flush=True)
    print(f"{'ok' if done.returncode == 0 else 'no':<4}{' '.join(look)}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
