"""Errors of the store, each message one sentence that says what is wrong and what to do.

ArgtreeError
└── StoreError
    ├── StoreMissingError       no such file, or no folder to put it in
    ├── NotAStoreError          not a database, or the database of another program
    ├── NewerSchemaError        written by a newer argtree
    ├── StoreUnreachableError   its server does not answer
    ├── StoreRefusedError       its server does not take the user or the password
    ├── StoreLockedError        another process held the store past the timeout
    ├── StoreReadOnlyError      it can be read but not written
    ├── StoreFullError          no space left for it
    ├── StoreDamagedError       the file is malformed
    ├── DuplicateTextError      two claims of one file say the same
    ├── CycleError              an import would make a claim a reason for itself
    ├── UnitError               one quantity in two units
    ├── ArguedQuantityError     an argument about a claim that a quantity decides
    ├── MergeError              no such merge, or one that is undone already
    ├── RootNotFoundError       no root, or several, go by that name
    ├── RaterNameError          a rater's name is empty, too long or unprintable
    ├── LeaseLostError          the question went to somebody else
    ├── TooLateError            the answer can't be taken back any more
    ├── FlagError               a flag that cannot be set, or nothing flagged to decide about
    ├── SourceError             an answer's source that is no link
    ├── ImpossibleNumberError   a number that a quantity cannot be
    ├── ComparisonError         a comparison that cannot be stored or taken back
    ├── SignInError             a wrong name or password, or too many of them
    ├── PasswordError           a password that will not do
    ├── InvitationError         an invitation that is needed and not there, or not good any more
    ├── WebhookError            an address that will not do for a webhook, or no such webhook
    ├── NotAllowedError         the rater's role does not let them do it
    │   └── PausedError         the rater is paused
    └── ExportError             the dataset could not be written
"""

from argtree.errors import ArgtreeError


class StoreError(ArgtreeError):
    """The store could not do what was asked."""


class StoreMissingError(StoreError):
    """There is no store there."""


class NotAStoreError(StoreError):
    """The file is not a store of argtree; it was left untouched."""


class NewerSchemaError(StoreError):
    """The store was written by a newer argtree; it was left untouched."""


class StoreUnreachableError(StoreError):
    """The store's server does not answer, or went away; what was acknowledged before is kept."""


class StoreRefusedError(StoreError):
    """The store's server does not take the user or the password."""


class StoreLockedError(StoreError):
    """Another process holds the store; try again when it is done."""


class StoreReadOnlyError(StoreError):
    """The store cannot be written; check the permissions of the file and of its folder."""


class StoreFullError(StoreError):
    """The disk is full: what was acknowledged before is kept, the last change is not."""


class StoreDamagedError(StoreError):
    """The store's file is damaged; restore it from a copy."""


class DuplicateTextError(StoreError, ValueError):
    """Two claims of one graph have the same text."""


class CycleError(StoreError, ValueError):
    """The graph would make a claim a reason for itself."""


class UnitError(StoreError, ValueError):
    """The quantity is in the store in another unit."""


class ArguedQuantityError(StoreError, ValueError):
    """An argument concludes a claim that a quantity decides."""


class MergeError(StoreError):
    """There is no such merge, or it is undone already."""


class RootNotFoundError(StoreError, ValueError):
    """No root goes by that name."""


class RaterNameError(StoreError, ValueError):
    """A rater's name must have 1 to 80 printable characters."""


class LeaseLostError(StoreError):
    """The question went back to the queue before the answer came, so the answer was not stored."""


class TooLateError(StoreError):
    """The answer can't be taken back any more."""


class FlagError(StoreError):
    """The question was not flagged, so nothing was changed."""


class SourceError(StoreError, ValueError):
    """The source is no link, so the answer was not stored."""


class ImpossibleNumberError(StoreError, ValueError):
    """What is known of the quantity rules the number out, so the answer was not stored."""


class ComparisonError(StoreError):
    """The comparison cannot be stored, or not be taken back any more; nothing was changed."""


class SignInError(StoreError):
    """There is nobody of that name with that password."""


class PasswordError(StoreError, ValueError):
    """The password will not do."""


class InvitationError(StoreError):
    """This invitation was used already, withdrawn, or is too old: ask an administrator for a new one."""


class WebhookError(StoreError):
    """The address will not do for a webhook, or there is no such webhook."""


class NotAllowedError(StoreError):
    """Your role does not let you do that."""


class PausedError(NotAllowedError):
    """You are paused."""


class ExportError(StoreError):
    """The dataset could not be written."""
