"""The decorator of all handlers. It is the only place that uses Girder's decorators, which have no types."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from girder.api.describe import Description, autoDescribeRoute, describeRoute
from girder.api.rest import filtermodel, getCurrentUser

from slicer_package_manager.registry.tree.access import Operation
from slicer_package_manager.registry.tree.types import UserDocument
from slicer_package_manager.rest.middleware.permissions import permitted

#: What a handler returns: documents and other values that Girder serializes as JSON, or the bytes of a raw response.
Response: TypeAlias = Any
#: Girder passes the parameters of the description by name.
Handler = TypeVar('Handler', bound=Callable[..., Response])


def call(operation: Operation, description: Description, *, model: type | None = None, cookie: bool = False,
         has_form: bool = False) -> Callable[[Handler], Handler]:
    """Make a function the handler of a REST call.

    :param operation: what the handler does; it states who may call it.
    :param description: the parameters and errors of the call. Girder checks the parameters and passes each by name.
    :param model: the model of Girder that removes the fields that the user may not see from what the handler returns.
    :param cookie: whether the token may come as a cookie, which is for downloads by browsers only.
    :param has_form: pass all parameters together as ``params``, unchecked: the registry reports all problems of a form
        at once, and Girder would report only the first.
    """
    def decorate(handler: Handler) -> Handler:
        described: Handler = (describeRoute if has_form else autoDescribeRoute)(description)(handler)
        filtered: Handler = filtermodel(model)(described) if model else described
        return permitted(operation, cookie=cookie)(filtered)
    return decorate


def current_user() -> UserDocument | None:
    """Return the user who makes the current request; ``None`` if the request is anonymous."""
    user: UserDocument | None = getCurrentUser()
    return user
