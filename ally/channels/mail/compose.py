"""PROVISIONAL; replaced by its owner."""
from dataclasses import dataclass
@dataclass(frozen=True)
class Letter: pass
def html_of(text): return text
