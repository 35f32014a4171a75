"""Double entry: books of exact amounts that nobody can change or overdraw."""
