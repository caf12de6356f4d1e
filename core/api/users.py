from django.contrib.auth.models import User
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request


def user_of(request: Request) -> User:
    """Return the user who asks. Every operation here is for users with a login; this says so to the types."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user
