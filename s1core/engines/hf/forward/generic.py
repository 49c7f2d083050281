"""A forward pass for any causal model of transformers: its own layers over our slots, through a `Cache` of ours."""

from __future__ import annotations

import inspect
from typing import Any, cast

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicLayer, DynamicSlidingWindowLayer

from s1core.engines.hf.batch import Batch
from s1core.engines.hf.kv_cache import LayerShape, SlotCache
from s1core.errors import ModelUnavailable

_WINDOWED = "sliding_attention"


class GenericStep:
    """`Step` through the model's own `forward`."""

    at_front = False

    @torch.inference_mode()
    def __init__(self, model: Any) -> None:
        self._model = model
        config: Any = model.config.get_text_config()
        self._kinds: set[str] = set(getattr(config, "layer_types", None) or ())
        self._window: int | None = getattr(config, "sliding_window", None)
        if getattr(config, "use_sliding_window", True) is False:
            self._window = None
        if self._kinds - {"full_attention", _WINDOWED}:
            raise _unsuitable(model, f"attention of the kind {sorted(self._kinds)}")
        self._picks_logits = "logits_to_keep" in inspect.signature(model.forward).parameters
        self.shapes = _shapes(model)
        self._layers = [_SlotLayer(index) for index in range(len(self.shapes))]
        self._cache = Cache(layers=cast("list[Any]", self._layers))

    def __call__(self, batch: Batch, cache: SlotCache) -> Tensor:
        """Run the tokens, write their keys and values, return `[rows, vocabulary]`."""
        for layer in self._layers:
            layer.batch, layer.store = batch, cache
        rows, width = batch.ids.shape
        last = (
            torch.zeros(rows, dtype=torch.long, device=batch.ids.device) if batch.last is None else batch.last % width
        )
        kept, where = cast("tuple[Tensor, Tensor]", torch.unique(last, return_inverse=True))  # pyright: ignore[reportUnknownMemberType]
        output = self._model(
            input_ids=batch.ids,
            position_ids=batch.positions,
            attention_mask=self._masks(batch),
            past_key_values=self._cache,
            use_cache=True,
            **({"logits_to_keep": kept} if self._picks_logits else {}),
        )
        chosen = where if self._picks_logits else last
        return cast("Tensor", output.logits)[torch.arange(rows, device=chosen.device), chosen]

    def _masks(self, batch: Batch) -> Any:
        """Return the mask in the form that the model takes: one, or one for each kind of layer."""
        rows, width = batch.ids.shape
        mask: Tensor | None = batch.mask
        if mask is None:
            mask = torch.zeros((rows, 1, width, batch.length), dtype=self._model.dtype, device=batch.ids.device)
        if self._window is None:
            return mask
        column = torch.arange(batch.length, device=mask.device)
        behind = column <= batch.positions[:, None, :, None] - self._window
        narrow = mask.masked_fill(behind, -torch.inf)
        if "full_attention" in self._kinds:
            return {"full_attention": mask, _WINDOWED: narrow}
        return narrow


class _SlotLayer(CacheLayerMixin):
    """One layer's slots, in the interface of a cache layer of transformers."""

    batch: Batch
    store: SlotCache
    is_sliding = False

    def __init__(self, index: int) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._index = index
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write the new keys and values to their slots; return all that the rows attend to."""
        keys, values = self.store.keys[self._index], self.store.values[self._index]
        for cached, fresh in ((keys, key_states), (values, value_states)):
            heads, dim = fresh.shape[1], fresh.shape[3]
            cached.view(-1, dim).index_copy_(0, self.batch.flat(heads), fresh.transpose(1, 2).reshape(-1, dim))
        return self.batch.view(keys), self.batch.view(values)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the slots exist."""

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Length and offset of what `update` returns."""
        return self.batch.length, 0

    def get_seq_length(self) -> int:
        """Tokens before the new ones in the longest row."""
        return self.batch.length - self.batch.ids.shape[1]

    def get_max_length(self) -> int:
        """Tokens that fit a slot."""
        return self.store.length


def _shapes(model: Any) -> tuple[LayerShape, ...]:
    """Ask the model itself: one token through it shows what each layer keeps."""
    probe = torch.zeros((1, 1), dtype=torch.long, device=model.device)
    layers = model(input_ids=probe, use_cache=True).past_key_values.layers
    shapes: list[LayerShape] = []
    for layer in layers:
        if type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) or layer.keys is None:
            raise _unsuitable(model, f"a {type(layer).__name__}")
        keys, values = cast("Tensor", layer.keys), cast("Tensor", layer.values)
        shapes.append(LayerShape(keys.shape[1], keys.shape[3], values.shape[3]))
    return tuple(shapes)


def _unsuitable(model: Any, what: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"{type(model).__name__} keeps {what}, which the transformers engine cannot fork; use engine='vllm' for it"
    )
