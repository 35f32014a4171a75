"""The demo shop: Hot Rod AN, its knowledge and its conversations."""

from pathlib import Path

FOLDER = Path(__file__).parent
KNOWLEDGE = FOLDER / "knowledge"
