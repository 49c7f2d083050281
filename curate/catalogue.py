"""What can be asked of `curate.run`, as JSON for pages and scripts: `python -m curate.catalogue`."""

from __future__ import annotations

import json
import sys
from typing import Any

from curate.claude.prices import DEFAULT_MODEL, MODELS
from curate.recipes import RECIPES
from curate.select import MODES, TARGET
from curate.sources import MADE, MORE, PUBLISHED, Source
from curate.sources.files import SUFFIXES
from curate.sources.published import PUBLISHED_FUNNEL


def catalogue() -> dict[str, Any]:
    """Recipes, sources, selections, and the published counts to compare with; JSON-ready."""
    return {
        "recipes": {name: [list(pair) for pair in pairs] for name, pairs in RECIPES.items()},
        "sources": [_source(source) for source in (*MADE.values(), *MORE.values(), *PUBLISHED.values())],
        "selections": list(MODES),
        "target": TARGET,
        "suffixes": list(SUFFIXES),
        "claude": {"default": DEFAULT_MODEL, "models": list(MODELS)},
        "published_funnel": PUBLISHED_FUNNEL,
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "title": source.title,
        "hub": source.hub.id if source.hub else None,
        "rows": source.published_rows or source.rows,
        "licence": source.licence,
        "private": source.private,
        "gated": source.hub.gated if source.hub else False,
    }


if __name__ == "__main__":
    json.dump(catalogue(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
