"""Uploads to the Hugging Face hub. Only commands that were asked to publish something import this."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from s1core.errors import InvalidSetting, S1Error

RepoType = Literal["model", "dataset"]
_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


class HubRefused(S1Error, RuntimeError):
    """The hub cannot be reached, does not know who asks, or has such a repository already for everybody to see."""


def check_name(repository: str) -> str:
    """Check that it reads `owner/name`.

    Raises:
        InvalidSetting: it does not.
    """
    if not _NAME.fullmatch(repository):
        raise InvalidSetting(f"a repository of the hub is written as owner/name, got {repository!r}")
    return repository


def prepare(repository: str, repo_type: RepoType, *, private: bool) -> None:
    """Make the repository, if there is none yet.

    Raises:
        HubRefused: the hub says no, or what was asked to be private would lie in a public repository.
    """
    from huggingface_hub import HfApi

    with hub_errors(repository):
        api = HfApi()
        api.create_repo(repository, repo_type=repo_type, private=private, exist_ok=True)
        if private and not api.repo_info(repository, repo_type=repo_type).private:
            raise HubRefused(
                f"{repository} is there already, and public; make it private on its page, or choose another name"
            )


def upload(repository: str, files: Mapping[str, Path | bytes], repo_type: RepoType, message: str) -> None:
    """Put files into a repository, all of them or none.

    Args:
        repository: `owner/name`; it exists.
        files: by their paths in the repository: where they lie here, or what they hold.
        repo_type: what it holds.
        message: of the commit.

    Raises:
        HubRefused: the hub says no.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    operations = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=held) for name, held in files.items()]
    with hub_errors(repository):
        HfApi().create_commit(repository, operations, commit_message=message, repo_type=repo_type)


@contextmanager
def hub_errors(repository: str) -> Generator[None]:
    """Turn the hub client's errors into one sentence."""
    try:
        yield
    except S1Error:
        raise
    except Exception as error:  # the hub client raises dozens of types, none of ours among them
        lines = (line.strip() for line in str(error).splitlines())
        first: Any = next((line for line in lines if line), type(error).__name__)
        raise HubRefused(f"the hub did not take {repository} ({first[:200]}); `hf auth login` signs in") from error
