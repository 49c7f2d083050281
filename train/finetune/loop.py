"""The fine-tuning loop: one process of one run. `train.sft` is its command line.

    loss = sum over the tokens of a step of weight x loss / sum of weights

over all processes and forward passes. FSDP averages gradients over processes, so each multiplies its share by their
number; with that, any number of processes and any size of forward pass computes the same step.
"""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from train.finetune.batches import collate, rows_of_step, total_steps, units_of, whole_weight
from train.finetune.checkpoint import Checkpoint, checkpoints, load, save
from train.finetune.config import TrainConfig
from train.finetune.data import Row, TrainingData, load_data
from train.finetune.export import export
from train.finetune.model import (
    Placement,
    build,
    clip,
    load_tokenizer,
    local_elements,
    reduce_gradients,
    shards,
    trainable,
)
from train.finetune.receipt import make_receipt
from train.finetune.run_folder import RunFolder, TrainingFailed
from train.finetune.schedule import rate
from train.finetune.tensorboard import EventFiles

log = logging.getLogger("train")


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """What one optimizer step measured."""

    loss: float
    grad_norm: float
    asked_to_stop: bool


_LOST = ("gloo", "nccl", "tcpstore", "closed by peer", "connection reset", "connection refused", "broken pipe")
"""How the backends say that another process is gone."""


def lost_another(error: Exception) -> bool:
    """Whether this is what a process meets in an exchange with one that has ended."""
    if isinstance(error, dist.DistError | ConnectionError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _LOST)


class Run:
    """One process of a run. `run()` returns the state it ended in."""

    def __init__(self, config: TrainConfig, folder: RunFolder, place: Placement, *, resume: bool) -> None:
        self.config, self.folder, self.place = config, folder, place
        self._signalled = False
        self._resume = resume
        self._step = self._total = self._saved = 0
        self._seconds = 0.0
        if place.first:
            folder.begin()
            folder.set_status("running", 0, 0, "loading")

    def run(self) -> str:
        """Train to the end, or to a request to stop; status and metrics say how it goes.

        Raises:
            S1Error: what went wrong, in one sentence that is in `status.json` too.
        """
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            return self._run()
        except Exception as error:
            if self.place.world > 1 and lost_another(error):
                error = TrainingFailed(
                    f"another process of this run ended at step {self._step + 1}; start the same command with --resume"
                )
            elif isinstance(error, torch.cuda.OutOfMemoryError):
                error = TrainingFailed(
                    f"the GPU's memory is spent at step {self._step + 1}; ask --preflight what would fit, "
                    "change that with --set, and start anew or with --resume"
                )
            self._fail(error)
            raise error from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _fail(self, error: Exception) -> None:
        if self.place.first:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            with suppress(Exception):  # a full disk must not hide why
                self.folder.set_status("failed", self._step, self._total, reason)

    def _on_signal(self, number: int, frame: object) -> None:
        self._signalled = True

    def _run(self) -> str:
        config, place = self.config, self.place
        tokenizer = load_tokenizer(config.model, config.chat_template)
        data = load_data(config, tokenizer)
        self._data, self._pad = data, tokenizer.pad_token_id or 0
        self._total = total_steps(config, len(data.rows))
        self._lengths = [len(row.ids) for row in data.rows]
        self._say(data.summary())
        resumed = self._found(data)
        trained = build(config, place)
        self._trained, self._parameters = trained, trainable(trained)
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=config.lr, betas=(config.beta1, config.beta2), weight_decay=config.weight_decay
        )
        if resumed is not None:
            load(resumed, trained, self._optimizer, lora=config.lora)
            self._step = self._saved = resumed.step
            self._say(f"resumed at step {resumed.step}")
        kept = self._open_files(data)
        self._seconds = sum(row.get("step_s", 0.0) for row in kept)
        with EventFiles(self.folder.path / "tensorboard", self._step, write=place.first) as events:
            if not self._train(events):
                return "stopped"
        return self._finish()

    def _found(self, data: TrainingData) -> Checkpoint | None:
        """The checkpoint to go on from; refuses to mix two runs in one folder."""
        whole = checkpoints(self.folder.checkpoints)
        if not whole:
            return None
        where = self.folder.path
        if not self._resume:
            raise TrainingFailed(f"{where} holds a run (step {whole[-1].step}); add --resume, or choose another folder")
        latest = whole[-1]
        before, now = latest.note.get("config", {}), self.config.resume_key()
        differ = sorted(key for key in now if before.get(key) != now[key])
        if latest.note.get("data") != data.fingerprint:
            differ.append("data")
        if differ:
            raise TrainingFailed(
                f"the run in {where} was begun with other settings ({', '.join(differ)}); "
                "resume it with the same ones, or choose another folder"
            )
        return latest

    def _open_files(self, data: TrainingData) -> list[dict[str, Any]]:
        held: list[int] = [0] * self.place.world
        dist.all_gather_object(held, local_elements(self._trained))
        if not self.place.first:
            return []
        self.folder.write_json(
            "config.json",
            {**self.config.as_dict(), "world": self.place.world, "parameters_held": held, "data_facts": data.facts()},
        )
        self.folder.set_status("running", self._step, self._total)
        return self.folder.begin_metrics(self._step)

    def _train(self, events: EventFiles) -> bool:
        """All steps that are left; False when it was asked to stop before the end."""
        while self._step < self._total:
            begun = time.monotonic()
            result = self._one_step(self._step)
            self._step += 1
            self._report(result, time.monotonic() - begun, events)
            if self._data.held_out and (self._step % self.config.eval_every == 0 or self._step == self._total):
                self._evaluate(events)
            last = self._step == self._total
            if result.asked_to_stop or last or self.config.save_every and self._step % self.config.save_every == 0:
                self._save()
            if result.asked_to_stop and not last:
                if self.place.first:
                    self.folder.set_status("stopped", self._step, self._total, "asked to stop; --resume goes on")
                self._say(f"stopped at step {self._step}; --resume goes on")
                return False
        return True

    def _one_step(self, step: int) -> StepResult:
        """Forward, backward and update for one global batch."""
        config, place = self.config, self.place
        learning_rate = rate(config, step, self._total)
        chosen = rows_of_step(config, self._lengths, step)
        # Dropout is a function of (seed, step, process), so that a resumed run draws what an unbroken one does.
        torch.manual_seed(hash((config.seed, step, place.rank)) % 2**31)
        loss = self._accumulate(self._data.rows, chosen, learn=True)
        stop = self._signalled or (place.first and self.folder.stop_file.exists())
        shared = torch.tensor([float(loss), float(stop)], device=place.device, dtype=torch.float64)
        dist.all_reduce(shared)
        mean, asked = shared.tolist()
        self._require_finite(mean, step, "loss")
        if not shards(config, place) and place.world > 1:
            reduce_gradients(self._parameters, place.world)
        norm = clip(self._parameters, config.clip_norm)
        self._require_finite(norm, step, "gradient")
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return StepResult(loss=mean, grad_norm=norm, asked_to_stop=asked > 0)

    def _accumulate(self, rows: Sequence[Row], chosen: Sequence[int], *, learn: bool) -> torch.Tensor:
        """This process's share of the mean loss of some rows; with `learn`, its gradients too."""
        config, place = self.config, self.place
        whole = whole_weight(config, rows, chosen)
        total = torch.zeros((), device=place.device)
        units = units_of(config, rows, chosen, place.rank, place.world)
        for number, unit in enumerate(units, 1):
            if learn and not config.sync_each_batch and shards(config, place):
                self._trained.set_requires_gradient_sync(number == len(units))  # pyright: ignore
            batch = collate(config, rows, unit, self._pad).to(place.device)
            with torch.set_grad_enabled(learn):
                loss = self._trained(batch) / whole
            if learn:
                (loss * place.world).backward()
            total += loss.detach()
        return total

    def _require_finite(self, value: float, step: int, what: str) -> None:
        if math.isfinite(value):
            return
        saved = checkpoints(self.folder.checkpoints)
        kept = f"the checkpoint of step {saved[-1].step} is kept" if saved else "no checkpoint was saved yet"
        raise TrainingFailed(
            f"the {what} became {value} at step {step + 1}, which was not applied; {kept}; "
            "lower lr or clip_norm with --set, and look at the rows of that step"
        )

    def _report(self, result: StepResult, step_s: float, events: EventFiles) -> None:
        self._seconds += step_s
        chosen = rows_of_step(self.config, self._lengths, self._step - 1)
        tokens = sum(self._lengths[i] for i in chosen)
        row = {
            "step": self._step,
            "total": self._total,
            "loss": round(result.loss, 6),
            "lr": rate(self.config, self._step - 1, self._total),
            "grad_norm": round(result.grad_norm, 6),
            "tokens_s": round(tokens / step_s, 1),
            "step_s": round(step_s, 4),
            "eta_s": round(self._seconds / self._step * (self._total - self._step), 1),
            "time": time.time(),
        }
        if self.place.first:
            self.folder.log(**row)
            self.folder.set_status("running", self._step, self._total)
            events.add(self._step, {name: row[name] for name in ("loss", "lr", "grad_norm", "tokens_s")})
        self._say(
            "step {step}/{total}  loss {loss:.4f}  lr {lr:.2e}  {tokens_s:.0f} tokens/s  {eta_s:.0f} s left".format(
                **row
            )
        )

    def _evaluate(self, events: EventFiles) -> None:
        """The loss on the held-out rows, computed in batches of the training's size."""
        held, size = self._data.held_out, self.config.global_batch
        self._trained.eval()
        total = torch.zeros((), dtype=torch.float64, device=self.place.device)
        for start in range(0, len(held), size):
            chosen = range(start, min(start + size, len(held)))
            total += self._accumulate(held, chosen, learn=False) * whole_weight(self.config, held, chosen)
        self._trained.train()
        dist.all_reduce(total)
        value = float(total) / whole_weight(self.config, held, range(len(held)))
        if self.place.first:
            self.folder.log(step=self._step, total=self._total, eval_loss=round(value, 6), time=time.time())
            events.add(self._step, {"eval_loss": value})
        self._say(f"step {self._step}/{self._total}  held-out loss {value:.4f}")

    def _save(self) -> None:
        if self._saved == self._step:
            return
        note = {"config": self.config.resume_key(), "data": self._data.fingerprint}
        save(
            self.folder.checkpoints,
            self._step,
            self._trained,
            self._optimizer,
            self.place,
            lora=self.config.lora,
            note=note,
            keep=self.config.keep,
        )
        self._saved = self._step

    def _finish(self) -> str:
        """Export, and only then say that it is done."""
        made = {"training_seconds": round(self._seconds, 1), "processes": self.place.world}
        made |= {"trained_parameters": sum(p.numel() for p in self._parameters)}
        receipt = make_receipt(self.config, self._data, self._step, self.folder.path) | made if self.place.first else {}
        export(self._trained, self.config, self.place, receipt, self.folder.final)
        if self.place.first:
            self.folder.set_status("done", self._step, self._total)
        self._say(f"done: {self.folder.final}")
        dist.barrier()
        return "done"

    def _say(self, text: str) -> None:
        if self.place.first:
            log.info(text)
