"""A language model behind any OpenAI-compatible address: asked for one JSON object at a time.

What is asked about is data and never an instruction; the model has no tools, and its answer is
nothing but numbers and words that are checked against a schema.
"""

import json
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ally.errors import AllyError

PATIENCE = 10.0  # seconds for one answer
LONGEST_ANSWER = 300  # tokens

Answer = TypeVar("Answer", bound=BaseModel)


class Unavailable(AllyError):
    """The model does not answer; what was asked can be asked again."""

    status = 503


class Unreadable(AllyError):
    """The model answers nonsense, and may well do so again."""

    status = 503


@dataclass(frozen=True)
class Model:
    base_url: str
    key: str
    name: str


_model: Model | None = None


def use(base_url: str, key: str, name: str) -> None:
    """Say, once at start-up, which model is asked; none without an address and a name."""
    global _model
    _model = Model(base_url, key, name) if base_url and name else None


def is_set() -> bool:
    return _model is not None


def name() -> str:
    """How the model is called.  Raises Unavailable where none is set."""
    return model().name


def model() -> Model:
    if _model is None:
        raise Unavailable("No model is set in LLM_BASE_URL and LLM_MODEL.")
    return _model


def ask(task: str, about: str, answer: type[Answer]) -> Answer:
    """The model's answer to the task, about what stands apart from it.  Raises Unavailable,
    Unreadable."""
    # Imported here, since it takes a second that the web process need not spend.
    from openai import OpenAI, OpenAIError

    asked = model()
    client = OpenAI(
        base_url=asked.base_url, api_key=asked.key or "none", timeout=PATIENCE, max_retries=1
    )
    try:
        told = client.chat.completions.create(
            model=asked.name,
            messages=[{"role": "system", "content": task}, {"role": "user", "content": about}],
            response_format={"type": "json_object"},
            temperature=0,
            max_tokens=LONGEST_ANSWER,
        )
        return answer.model_validate(json.loads(told.choices[0].message.content or ""))
    except OpenAIError as error:
        raise Unavailable(f"The model does not answer: {type(error).__name__}.") from None
    except (ValidationError, ValueError, IndexError, TypeError, AttributeError):
        raise Unreadable("The model's answer cannot be read.") from None
    finally:
        client.close()
