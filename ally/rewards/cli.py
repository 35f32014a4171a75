"""`flask campaigns`: what campaigns pay, from the shell."""

import json
import sys
from decimal import Decimal
from typing import Any, TextIO

import click
from flask.cli import AppGroup
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ally.errors import Invalid
from ally.rewards.allocation import allocate
from ally.rewards.models import Policy

campaigns = AppGroup("campaigns", help="What campaigns pay.")


class Asked(BaseModel):
    """One epoch to share out: amounts in base units, points as decimals in text."""

    model_config = ConfigDict(extra="forbid")

    budget: int = Field(ge=0, strict=True)
    policy: Policy = Policy.PRO_RATA
    cap: int | None = Field(None, ge=0, strict=True)
    already: dict[str, int] = Field(default_factory=dict)
    scores: dict[str, Decimal]
    min_payout: int = Field(0, ge=0)
    activity_floor: int | None = Field(None, ge=1)


@campaigns.command("allocate")
@click.argument("file", type=click.File("r"))
def allocate_file(file: TextIO) -> None:
    """Share out what FILE says, a JSON object; - reads it from standard input."""
    try:
        asked = Asked.model_validate(json.load(file))
        found = allocate(**{name: getattr(asked, name) for name in Asked.model_fields})
    except (ValueError, Invalid) as wrong:
        click.echo(f"{file.name}: {in_one_line(wrong)}", err=True)
        sys.exit(2)
    click.echo(json.dumps({"amounts": found.amounts, "left": found.left}))


def in_one_line(wrong: Exception) -> str:
    if isinstance(wrong, ValidationError):
        faults: list[Any] = wrong.errors(include_url=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in faults)
    if isinstance(wrong, json.JSONDecodeError):
        return f"this is no JSON: {wrong}"
    return str(wrong)
