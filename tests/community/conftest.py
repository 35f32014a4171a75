import pytest

from ally.accounts.models import Role
from tests.factories import make_user


@pytest.fixture
def ida(acme):
    """An admin of Acme."""
    return make_user(acme, "Ida Admin", role=Role.ADMIN)
