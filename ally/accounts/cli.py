"""Commands about accounts and people, for the operator."""

import click
from flask.cli import AppGroup
from sqlalchemy import create_engine, text

from ally.accounts import users as people
from ally.db import db
from ally.errors import AllyError
from ally.settings import Settings, sqlalchemy_url
from ally.web import settings

users = AppGroup("users", help="The people who work for an account.")
accounts = AppGroup("accounts", help="The accounts of this installation.")


@users.command("deactivate")
@click.argument("email")
def deactivate_user(email: str) -> None:
    """Shut the user with this address out, at once."""
    try:
        people.deactivate(people.find_by_email(email))
        db.session.commit()
    except AllyError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{email} is shut out, and every session has ended.")


@accounts.command("create")
@click.argument("name")
@click.option("--domain", "domains", multiple=True, help="Let people of this e-mail domain in.")
@click.option("--first-admin", help="Let this address in, as an admin.")
def create_account(name: str, domains: tuple[str, ...], first_admin: str | None) -> None:
    """Make an account.  Needs DATABASE_URL_OWNER, since the application may not."""
    if not domains and not first_admin:
        raise click.UsageError("Give --first-admin or --domain, or nobody can sign in.")
    made = make_account(
        settings(), name, [domain.lower().lstrip("@") for domain in domains], first_admin
    )
    click.echo(f"{name} is there: {made}")


def make_account(ours: Settings, name: str, domains: list[str], first_admin: str | None) -> str:
    """The id of a new account, made as the owner of the schema."""
    engine = create_engine(
        sqlalchemy_url(ours.database_url_owner or ours.database_url),
        connect_args={"options": "-c role=app_owner"},
    )
    with engine.begin() as connection:
        made = connection.execute(
            text("SELECT create_account(:name, :domains, :first_admin)"),
            {"name": name, "domains": domains, "first_admin": first_admin},
        ).scalar_one()
    engine.dispose()
    return str(made)
