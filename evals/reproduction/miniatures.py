"""s1 in miniature as data: the base, the choices of rows, the recipes that make a model of each, and what is asked."""

from __future__ import annotations

from dataclasses import dataclass

from s1core.errors import InvalidSetting
from s1core.nano import BASE


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One choice of rows, and the model that is made of it."""

    name: str
    """Of the curated set; the model is `s1-NAME`."""
    what: str
    select: tuple[str, ...]
    """Further arguments of the curation."""
    settings: tuple[str, ...] = ()
    """Further arguments of the fine-tuning."""

    @property
    def model(self) -> str:
        """What its model is called."""
        return f"s1-{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Miniature:
    """A base, and the same recipe on several choices of its rows."""

    name: str
    base: str
    """What is fine-tuned: a preset or a folder."""
    base_name: str
    benchmark: str
    curation: str
    """Recipe of `curate.run`."""
    training: str
    """Recipe of `train.sft`."""
    budgets: tuple[int | None, ...]
    waits: tuple[int, ...] = (0, 1)
    context_length: int | None = None
    """Prompt, thinking and answer together, at most: a base that never stops would fill its whole context."""
    rehearsal: str | None = None
    """Rows like those of its sets, from which the training time is estimated beforehand."""
    pool: int
    """Questions that its recipe collects: what the set of all rows has at most."""
    mark: str
    """Of the block in docs/reproduce.md."""
    variants: tuple[Variant, ...]


def _variants(prefix: str, curated: str, kind: str) -> tuple[Variant, ...]:
    return (
        Variant(name=f"{prefix}-1k", what=f"curated: {curated}", select=("--select", "published")),
        Variant(name=f"{prefix}-random", what="random", select=("--select", "random")),
        Variant(name=f"{prefix}-diverse", what=f"diverse: uniform over the {kind}", select=("--select", "diverse")),
        Variant(name=f"{prefix}-longest", what="longest traces", select=("--select", "longest")),
        Variant(name=f"{prefix}-all", what="all, one epoch", select=("--select", "all"), settings=("epochs=1",)),
    )


MINIATURES: dict[str, Miniature] = {
    one.name: one
    for one in (
        Miniature(
            name="s1-135m",
            base="s1-135M-base",
            base_name="s1-135M-base",
            benchmark="problems",
            curation="s1-135m",
            training="s1-135m",
            budgets=(0, 16, 32, 64, 128, 256, None),
            context_length=640,
            rehearsal="problems:1000",
            pool=29_473,
            mark="miniature-135m",
            variants=_variants("135m", "quality, difficulty, diversity", "families and their phrasings"),
        ),
        Miniature(
            name="s1-nano",
            base=str(BASE),
            base_name="nano-base",
            benchmark="nano",
            curation="nano",
            training="s1-nano",
            budgets=(0, 32, 64, 128, 256, None),
            pool=22_000,
            mark="miniature",
            variants=_variants("nano", "quality, difficulty, diversity, length", "families"),
        ),
    )
}


def miniature(name: str) -> Miniature:
    """The one of this name.

    Raises:
        InvalidSetting: there is none.
    """
    try:
        return MINIATURES[name]
    except KeyError:
        raise InvalidSetting(f"unknown miniature {name!r}; known: {', '.join(MINIATURES)}") from None


def chosen(one: Miniature, names: str | None) -> list[Variant]:
    """The variants of these names, separated by commas; all of them where none is named.

    Raises:
        InvalidSetting: no such variant.
    """
    known = {variant.name: variant for variant in one.variants}
    asked = [name.strip() for name in names.split(",") if name.strip()] if names else list(known)
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise InvalidSetting(f"unknown variant {', '.join(unknown) or names!r}; known: {', '.join(known)}")
    return [known[name] for name in asked]
