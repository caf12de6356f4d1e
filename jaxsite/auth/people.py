"""The backend of permissions: Django's own, giving the user as a Person, whose rights may be cut."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User

from core.queries import only
from jaxsite.models import Person
from jaxsite.scopes import Scope


class Backend(ModelBackend):
    def get_user(self, user_id: int) -> Person | None:
        """Return the user who may log in, with the presence: every page reads it."""
        user = only(Person.objects.select_related("presence").filter(pk=user_id))
        return user if user and self.user_can_authenticate(user) else None


def person_of(user: User, scope: Scope) -> Person:
    """Return the user with their rights cut to a scope, without a query.

    Below the widest scope they are neither staff nor superuser, whoever asks.
    """
    person = Person.__new__(Person)
    person.__dict__ = user.__dict__
    if scope != Scope.OPERATE:
        cut = {"scope": scope, "owner": user, "is_staff": False, "is_superuser": False}
        person.__dict__ = user.__dict__ | cut
    return person
