"""The models of servers that already run, as the page offers them beside those of this machine."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from s1core.engines.http.catalogue import ServedModel, catalogue
from s1core.errors import ModelUnavailable
from s1core.models import ModelPreset

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """One model on one server, or on several that share the work."""

    preset: ModelPreset
    name: str
    """On the servers."""
    urls: tuple[str, ...]


def served_models(urls: Sequence[str], *, api_key: str | None = None) -> dict[str, Served]:
    """Ask servers what they have; return their models by the names under which the page offers them.

    Servers of the same model share its work. A server that does not answer, and a model that nothing is known of, are
    left out and logged.

    Args:
        urls: their addresses.
        api_key: default: the environment's S1_API_KEY.

    Raises:
        InvalidSetting: an address cannot be read.
    """
    found: list[ServedModel] = []
    for url in urls:
        try:
            found += catalogue([url], api_key=api_key)
        except ModelUnavailable as error:
            _log.warning("%s", error)
    offered: dict[str, Served] = {}
    for model in found:
        if model.preset is None:
            _log.warning("%s on %s is no model that is known here; name it with --model", model.name, model.url)
            continue
        name = model.preset.name
        other = offered.get(name)
        if other is not None and other.name == model.name:
            offered[name] = Served(preset=model.preset, name=model.name, urls=(*other.urls, model.url))
            continue
        if other is not None:  # the same model, packed otherwise
            name = f"{model.name} at {urlsplit(model.url).netloc}"
        offered[name] = Served(preset=model.preset, name=model.name, urls=(model.url,))
    return offered
