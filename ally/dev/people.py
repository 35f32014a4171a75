"""Who may sign in to the demo desk: address, name, and what they are there."""

PEOPLE = (
    ("admin@hotrodan.example", "Rosa Delgado", "admin"),
    ("agent@hotrodan.example", "Mike Torres", "agent"),
    ("second@hotrodan.example", "Dana Kowalski", "second agent"),
)
