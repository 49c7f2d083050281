"""The loaded models: each is loaded once, in the background, and shared by all visitors."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal

from app.access.limits import is_public
from app.models import zerogpu
from app.models.served import Served
from s1core import S1Error, load_engine
from s1core.engines.base import Engine, is_dead
from s1core.errors import InvalidSetting, ModelUnavailable, UnknownModel
from s1core.models import PRESETS, resolve
from s1core.weights import is_here

UPDATE_EVERY_S = 0.5
State = Literal["ready", "loading", "failed", "not here"]
_log = logging.getLogger(__name__)


class EngineRegistry:
    """Engines by model name. One whose load failed, or that died, is loaded anew when it is next asked for."""

    def __init__(
        self,
        default: str,
        *,
        engines: Mapping[str, Engine] | None = None,
        served: Mapping[str, Served] | None = None,
        engine: str | None = None,
        **options: Any,
    ) -> None:
        self.default = default
        self._engine, self._options = engine, options
        self._lock = threading.Lock()
        self._loads: dict[str, Future[Engine]] = {}
        self._given = tuple(engines or ())
        self._served = dict(served or {})
        self._offered: dict[str, str] = {}
        for name, given in (engines or {}).items():
            self._loads[name] = Future()
            self._loads[name].set_result(given)
        if default not in self._loads and default not in self._served:
            resolve(default)

    @property
    def models(self) -> list[str]:
        """Names to choose from, the default first.

        On a public page these are the models that are here: no visitor makes the server fetch another one.
        """
        # A bundled model whose files are not in this checkout cannot be fetched either.
        known = [n for n, preset in PRESETS.items() if (is_here(preset) if preset.bundled else not is_public())]
        return list(dict.fromkeys((self.default, *self._given, *self._served, *self._offered, *known)))

    @property
    def offered(self) -> tuple[str, ...]:
        """Those of the names that were added after the start."""
        return tuple(self._offered)

    def offer(self, name: str, folder: Path) -> None:
        """Add a model that was made here, from now on and for everybody.

        Raises:
            InvalidSetting: another model has this name.
        """
        with self._lock:
            other = self._offered.get(name, str(folder)) != str(folder)
            if other or name in PRESETS or name in self._given or name == self.default:
                raise InvalidSetting(f"There is another model called {name}; train this one under another name.")
            self._offered[name] = str(folder)

    def warm(self) -> None:
        """Begin to load the default model, so that it is there when the first visitor is."""
        self._begin(self.default)

    async def load(self, model: str) -> AsyncGenerator[str | Engine, None]:
        """Yield a sentence now and then while the model is being loaded, and last the engine.

        Raises:
            S1Error: it cannot be loaded here; the message is for the visitor.
        """
        if model not in self.models:
            # A visitor chooses among these; what else is loaded here is for whoever starts the server to decide.
            raise UnknownModel(
                f"{model!r} is not in the list of models here; choose one that is, or start the app with it"
            )
        loading = self._begin(model)
        began_s = time.monotonic()
        # Wrapped once, and never cancelled: one visitor who leaves must not end a load that others wait for.
        done = asyncio.wrap_future(loading)
        done.add_done_callback(_take_notice)
        while not loading.done():
            yield f"Loading {model}: {time.monotonic() - began_s:.0f} s so far."
            await asyncio.wait({done}, timeout=UPDATE_EVERY_S)
        yield loading.result()

    def state(self, model: str) -> State:
        """Whether a model of the list can run here, as far as that is known without loading it."""
        loading = self._loads.get(model)
        if loading is not None and not loading.done():
            return "loading"
        if loading is not None:
            return "failed" if self._is_of_no_use(model, loading) else "ready"
        if model in self._offered or model in self._served:
            return "ready"
        if self._engine == "http" and model != self.default and not resolve(model).bundled:
            return "not here"
        return "ready" if is_here(resolve(model)) else "not here"

    def takes_turns(self, model: str) -> bool:
        """Whether a model was trained on multi-turn conversations."""
        if model in self._served:
            return self._served[model].preset.multi_turn
        try:
            return resolve(self._offered.get(model, model)).multi_turn
        except UnknownModel:  # an engine that was given under a name of its own
            return True

    def _begin(self, model: str) -> Future[Engine]:
        with self._lock:
            loading = self._loads.get(model)
            if loading is None or self._is_of_no_use(model, loading):
                if model not in self._served:
                    resolve(self._offered.get(model, model))
                before, loading = loading, Future()
                self._loads[model] = loading
                target, name = self._load, f"load {model}"
                threading.Thread(target=target, args=(model, loading, before), daemon=True, name=name).start()
            return loading

    def _is_of_no_use(self, model: str, loading: Future[Engine]) -> bool:
        if not loading.done():
            return False
        return loading.exception() is not None or (model not in self._given and is_dead(loading.result()))

    def _load(self, model: str, loading: Future[Engine], before: Future[Engine] | None) -> None:
        try:
            if before is not None and before.exception() is None:
                with contextlib.suppress(Exception):  # it is dead; this frees what it left
                    before.result().close()
            loading.set_result(self._loaded(model))
        except S1Error as error:
            loading.set_exception(error)
        except Exception as error:
            _log.exception("loading %s failed", model)
            reason = f"{model} could not be loaded here ({type(error).__name__}: {error}); choose another model"
            loading.set_exception(ModelUnavailable(reason))

    def _loaded(self, model: str) -> Engine:
        if (there := self._served.get(model)) is not None:
            known = PRESETS.get(there.preset.name) == there.preset
            named = there.preset.name if known else there.preset.location
            return load_engine(named, engine="http", url=there.urls, served_model=there.name)
        if model in self._offered:
            # Other engines share this machine: reserve only the memory that the model needs.
            here = {"device": "cpu"} if zerogpu.is_here() else {}
            return load_engine(self._offered[model], engine="transformers", **here)
        if zerogpu.is_here() and self._engine is None:
            preset = resolve(model)
            # The GPU that torch seems to see here is only there while it is lent; the bundled ones need none.
            return load_engine(model, device="cpu") if preset.bundled else zerogpu.ZeroGpuEngine(preset, model)
        # A server runs the model that it was started with; the bundled ones run here all the same.
        if self._engine == "http" and model != self.default and resolve(model).bundled:
            return load_engine(model)
        return load_engine(model, engine=self._engine, **self._options)


def _take_notice(done: asyncio.Future[Engine]) -> None:
    """Look at how a load ended, which asyncio wants somebody to do even if all visitors have left."""
    if not done.cancelled():
        done.exception()
