"""Everything that can go wrong for a user, each error with the exit code that the command line gives it.

MLPayGradeError (1)
 +-- InputError (2)    an option or a field of a job breaks a rule
 +-- DataError (3)     a data file breaks a rule; carries every defect found
 +-- BundleError (4)   a bundle is missing, truncated, altered or of another version
 +-- FetchError (5)    data could not be downloaded or found
 +-- ResourceError (6) an extra is not installed, a disk is full, a file cannot be written
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One broken rule in a data file.

    `rows` are 1-based data rows (the header is row 0), at most the first few; `count` is how many there are.
    """

    column: str
    rule: str
    value: str
    remedy: str
    rows: tuple[int, ...] = ()
    count: int = 1

    def __str__(self) -> str:
        where = ""
        if self.rows:
            where = f" in {self.count:,} row{'s' if self.count != 1 else ''} (first: row {self.rows[0]})"
        return f"{self.column}: {self.rule}; got {self.value}{where}. {self.remedy}"


def printable(text: str) -> str:
    """Text without characters that would steer a terminal; line ends stay."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def shown_uri(uri: str) -> str:
    """A URI as it may be shown: without user, password and query."""
    return uri.rsplit("@", 1)[-1].partition("?")[0]


def why(error: Exception, uri: str) -> str:
    """An error in a line, without the URI's password."""
    cause = error.__cause__ if isinstance(error, ImportError) and error.__cause__ is not None else error
    said = (str(cause).strip() or "no message").splitlines()[0]
    password = uri.partition("://")[2].rpartition("@")[0].partition(":")[2]
    said = said.replace(password, "...") if password else said
    return f"{type(cause).__name__}: {said}"


class MLPayGradeError(Exception):
    """Base of every error a user can meet; its text says rule, value and remedy."""

    exit_code = 1


class InputError(MLPayGradeError):
    """An option or a field of a job breaks a rule. defects: each broken rule by the field's name, where a job was read."""

    exit_code = 2

    def __init__(self, message: str, *, defects: Sequence[Defect] = ()) -> None:
        self.defects = tuple(defects)
        super().__init__(message)


class DataError(MLPayGradeError):
    """A data file breaks one or more rules."""

    exit_code = 3

    def __init__(self, message: str, *, defects: Sequence[Defect] = ()) -> None:
        self.defects = tuple(defects)
        super().__init__("\n".join([message, *(f"  - {defect}" for defect in self.defects)]))


class BundleError(MLPayGradeError):
    """A bundle is missing, truncated, altered or of another version."""

    exit_code = 4


class FetchError(MLPayGradeError):
    """Data could not be downloaded or found."""

    exit_code = 5


class ResourceError(MLPayGradeError):
    """The surroundings lack something: an extra, disk space, permission."""

    exit_code = 6
