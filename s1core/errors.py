"""Errors that a user can act on: one sentence that says what is wrong and what to do."""

from __future__ import annotations


class S1Error(Exception):
    """Base of every error whose message is meant for the user."""


class InvalidSetting(S1Error, ValueError):
    """A budget, sampling or model setting is out of range or contradicts another one."""


class QuestionTooLong(S1Error, ValueError):
    """The rendered question does not fit the model's context together with an answer."""


class UnknownModel(S1Error, ValueError):
    """No preset, folder or hub id of that name."""


class ModelUnavailable(S1Error, RuntimeError):
    """The model is known but cannot be loaded here: weights, memory, network or a package is missing."""


class Unsupported(S1Error, RuntimeError):
    """The engine cannot enforce what was asked; the message names one that can."""


class EngineFailed(S1Error, RuntimeError):
    """The engine stopped in the middle of a run."""


class CommandRefused(S1Error, RuntimeError):
    """A running run cannot do what it is told: it is too late, it has been done, or there is no room."""
