"""What a server loads: `gunicorn app:app`, and `flask` finds it by its name."""

from ally import create_app

app = create_app()
