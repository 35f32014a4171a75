"""What a server loads: `gunicorn app:app`, and `flask` finds it by its name."""

import sys

from ally import create_app
from ally.settings import SettingsError

CANNOT_START = 3  # the exit status that gunicorn takes for "do not try again"

try:
    app = create_app()
except SettingsError as error:
    sys.stderr.write(f"Ally cannot start: {error}\n")
    raise SystemExit(CANNOT_START) from None
