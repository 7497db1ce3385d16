"""Errors of the package `models`.

ArgtreeError
  ModelError
    ModelNotFoundError
    NoWeightsError
    PickledWeightsError
    UnknownSpecError
    UnknownWorldError
    BadQuestionError     (a ValueError too)
    PromptTooLongError
    BadReplyError
    ModelUnavailableError
    KeyRefusedError
    GenerationError
    BadSuiteError        (a ValueError too)
    DatasetError
    TrainingError
"""

from argtree.errors import ArgtreeError


class ModelError(ArgtreeError):
    """A language model can't be loaded or can't be used."""


class ModelNotFoundError(ModelError):
    """There is no such model, or what is there can't be loaded."""


class NoWeightsError(ModelError):
    """The model's folder holds no weights, or only part of them."""


class PickledWeightsError(ModelError):
    """The model's weights are pickled: loading them could run code."""


class UnknownSpecError(ModelError):
    """The text that should name a model has no form known here."""


class UnknownWorldError(ModelError):
    """The question is about something that the model's world doesn't hold."""


class BadQuestionError(ModelError, ValueError):
    """The question is empty, too long or not plain text."""


class PromptTooLongError(ModelError):
    """The prompt leaves the model no room to reply."""


class BadReplyError(ModelError):
    """The model's reply can't be used, and nothing is made up in its place."""


class ModelUnavailableError(ModelError):
    """The model's server can't be reached or goes on failing; the same call may succeed later."""


class KeyRefusedError(ModelError):
    """The server wants a key, or another one."""


class GenerationError(ModelError):
    """There is no such generation, or the folder of generations is damaged."""


class BadSuiteError(ModelError, ValueError):
    """The file is no suite to evaluate a model on."""


class DatasetError(ModelError):
    """There is no dataset to learn from, or it can't be read."""


class TrainingError(ModelError):
    """The model can't be trained in the way that was asked for."""


def first_line(exc: BaseException) -> str:
    """What a vendor's error says, in short; its kind where it says nothing."""
    lines = str(exc).strip().splitlines()
    return lines[0][:300] if lines else type(exc).__name__
