"""The address of a store in a message, and why it does not answer: never with a password.

Enters: a URI, an error. Leaves: text.
"""


def shown(uri: str) -> str:
    """A URI as it may be shown: without user, password and query."""
    return uri.rsplit("@", 1)[-1].partition("?")[0]


def why(error: Exception, uri: str) -> str:
    """An error in a line, without the URI's password."""
    cause = error.__cause__ if isinstance(error, ImportError) and error.__cause__ is not None else error
    said = (str(cause).strip() or "no message").splitlines()[0]
    password = uri.partition("://")[2].rpartition("@")[0].partition(":")[2]
    said = said.replace(password, "...") if password else said
    return f"{type(cause).__name__}: {said}"
