"""What a person chooses for himself."""

from core.models import User
from core.operation import operation


@operation("core.use_site")
def choose_language(*, actor: User, language: str) -> User:
    """Keep the language of the person's pages and messages. No audit: nobody else is touched."""
    actor.language = language
    actor.save(update_fields=["language"])
    return actor
