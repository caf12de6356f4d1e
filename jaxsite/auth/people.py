"""The backend of permissions: Django's own, giving the user as a Person, whose rights may be cut."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User

from jaxsite.models import Person


class Backend(ModelBackend):
    def get_user(self, user_id: int) -> Person | None:
        """Return the user who may log in, with the presence: every page reads it."""
        try:
            user = Person.objects.select_related("presence").get(pk=user_id)
        except Person.DoesNotExist:
            return None
        return user if self.user_can_authenticate(user) else None


def person_of(user: User) -> Person:
    """Return the user as a Person, without a query."""
    person = Person.__new__(Person)
    person.__dict__ = user.__dict__
    return person
