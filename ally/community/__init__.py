"""The community: who its members are, what they write in public, and what that is worth."""
