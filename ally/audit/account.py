"""The trail of an account as a thing that something can happen to, such as an export."""

from dataclasses import dataclass
from typing import Any


@dataclass
class Trail:
    """`id` is the account's, as is `account_id`."""

    account_id: Any
    id: Any

    @property
    def timeline_id(self) -> Any:
        return self.id
