"""What a server loads: `granian --interface wsgi app:app`, and `flask` finds it by its name."""

import sys

from ally import create_app
from ally.settings import SettingsError

CANNOT_START = 3

try:
    app = create_app()
except SettingsError as error:
    sys.stderr.write(f"Ally cannot start: {error}\n")
    raise SystemExit(CANNOT_START) from None
