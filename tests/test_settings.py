"""What the environment may say, and what stops Ally from starting."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally import settings
from ally.dev import home
from ally.settings import (
    Settings,
    SettingsError,
    refuse_unsafe,
    refuse_unusable,
    sqlalchemy_url,
)

ROOT = Path(__file__).parent.parent
PRODUCTION = {
    "ally_env": "production",
    "database_url": "postgresql://ally@db.internal/ally",
    "secret_key": "k" * 32,
    "oidc_issuer": "https://id.acme.example",
    "oidc_client_id": "ally",
    "oidc_client_secret": "secret",
    "smtp_url": "smtps://mail.acme.example",
    "storage_url": "file:///srv/ally",
    "public_url": "https://desk.acme.example",
}


def production(**changes):
    return Settings(_env_file=None, **PRODUCTION | changes)


def test_a_whole_production_environment_is_taken():
    refuse_unsafe(production())


@pytest.mark.parametrize("name", settings.REQUIRED_IN_PRODUCTION)
def test_production_names_what_is_missing(name):
    with pytest.raises(SettingsError, match=f"Set {name.upper()} to start in production."):
        refuse_unsafe(production(**{name: ""}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret_key": "short"}, "SECRET_KEY must have 32 characters"),
        ({"public_url": "http://desk.acme.example"}, "PUBLIC_URL must begin with https://"),
        ({"oidc_issuer": "http://id.acme.example"}, "OIDC_ISSUER must begin with https://"),
        ({"oidc_embedded": True}, "anybody may sign in as anyone"),
    ],
    ids=str,
)
def test_production_refuses_what_is_unsafe(changes, words):
    with pytest.raises(SettingsError, match=words):
        refuse_unsafe(production(**changes))


@pytest.mark.parametrize("url", ["s3://bucket/files", "/srv/ally", "file://elsewhere/srv"])
def test_files_are_kept_in_a_folder_of_this_machine(url):
    with pytest.raises(SettingsError, match="STORAGE_URL must be a folder of this machine"):
        refuse_unusable(production(storage_url=url))


def start(**environment):
    """What `flask routes` says with nothing but this environment."""
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "flask", "--app", "app", "routes"]
    return subprocess.run(
        command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=60
    )


def test_a_start_without_a_database_says_what_to_do(tmp_path):
    said = start(ALLY_HOME=str(tmp_path))

    assert said.returncode == 3
    assert said.stderr == (
        "Ally cannot start: There is no database yet: run `make run` once, or set DATABASE_URL.\n"
    )


def test_a_wrong_value_is_named_and_not_shown(tmp_path):
    said = start(ALLY_HOME=str(tmp_path), UNDO_SECONDS="soon", DATABASE_URL="postgresql:///x")

    assert said.returncode == 3
    assert said.stderr.startswith("Ally cannot start: UNDO_SECONDS: ")
    assert "soon" not in said.stderr


def test_production_reads_no_file_of_development(tmp_path):
    (tmp_path / "ally.env").write_text(
        "SECRET_KEY='of development'\nDATABASE_URL='postgresql:///x'"
    )

    said = start(ALLY_HOME=str(tmp_path), ALLY_ENV="production")

    assert "Set DATABASE_URL, SECRET_KEY, OIDC_ISSUER" in said.stderr


def test_prismas_schema_is_dropped_from_the_url():
    assert (
        sqlalchemy_url("postgres://ally:p%40ss@db:5433/ally?schema=public&sslmode=verify-full")
        == "postgresql+psycopg://ally:p%40ss@db:5433/ally?sslmode=verify-full"
    )


def test_another_kind_of_database_is_refused():
    with pytest.raises(SettingsError, match="postgresql://"):
        sqlalchemy_url("mysql://ally@db/ally")


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x85\u2028\u2029"))
)
def test_the_file_of_settings_gives_back_what_was_written(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("home")

    home.write_settings(folder, {"SECRET_KEY": value, "OWN": "kept"})

    assert home.read_settings(folder) == ({"SECRET_KEY": value} if value else {}) | {"OWN": "kept"}
    assert (folder / "ally.env").stat().st_mode & 0o777 == 0o600
