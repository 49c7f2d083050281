"""Before a run: what it needs on each GPU and how long it takes, against what is there; and which change would fit.

Memory is arithmetic over the model's shape, not a measurement: weights, gradients, optimizer, the layers that are whole
while they compute, activations of the longest row, scores over the vocabulary, and a reserve for the allocator.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from s1core.errors import S1Error
from s1core.weights import SMOLLM2, root_of
from train.finetune.config import TrainConfig
from train.preflight.hardware import GIB, Machine, machine_here, planned
from train.preflight.model_shapes import Shape, shape_of
from train.preflight.probe import measure
from train.preflight.suggestions import suggestions

if TYPE_CHECKING:
    from train.finetune.data import Shown, TrainingData

RESERVE = 0.08
"""Share of a GPU that fragments and libraries take."""
CONTEXT_GIB = 1.5
"""What CUDA and the exchange of shards take before anything is computed."""
MFU = 0.35
"""Share of a GPU's peak that fine-tuning long rows is assumed to reach."""
COMPILED = 0.7
"""What compiled layers keep of the activations that others do; measured with adapters on a 7B shape (docs/log.md)."""
CPU_MFU = 0.12
"""The same of a CPU's speed at products, where nothing could be tried."""
LEARNED = ("⟦", "⟧")
"""What stands around learned text in a terminal."""
UNCURATED = "problems:1000"
"""What is reckoned with for s1-135M where no data is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is trained on."""

    rows: int
    tokens: int
    """Of one epoch."""
    longest: int
    """Tokens of the longest row that is trained on."""
    passes: int
    """Forward passes of one epoch."""
    pass_rows: int
    """Sequences of a typical one."""
    pass_length: int
    """Tokens of each of these, padding included."""
    source: str
    sample: tuple[Shown, ...] = ()
    """One row as it is trained; empty where no data is read."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The estimate, and what follows from it."""

    recipe: str
    model: str
    parameters: int
    trained_parameters: int
    machine: Machine
    data: str
    rows: int
    longest: int
    memory_gib: dict[str, float]
    total_gib: float
    fits: bool
    steps: int
    seconds: float | None
    would_fit: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    sample: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """One row as it is trained, in parts with `text` and whether it is `learned`."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def text(self) -> str:
        """For a terminal."""
        unit = "GPU" if self.machine.gpu else "process"
        lines = [
            f"{self.recipe}: {self.model}, {self.parameters / 1e9:.3g} billion parameters, "
            f"{self.trained_parameters / 1e9:.3g} billion trained",
            f"on {self.machine.count} x {self.machine.name}, {self.machine.memory_gib:.1f} GiB for each {unit}",
            f"data: {self.data}; the longest row that is trained on has {self.longest:,} tokens",
            "",
            *(f"  {name:37}{gib:8.2f} GiB" for name, gib in self.memory_gib.items()),
            f"  {'in all, for each ' + unit:37}{self.total_gib:8.2f} GiB",
            "",
            "It should fit." if self.fits else "It does not fit.",
        ]
        if not self.fits:
            known = [f"  - {change}" for change in self.would_fit]
            lines += ["Any of these would fit:", *known] if known else ["No change that is known here would fit."]
        took = "unknown: the speed of this machine is not known" if self.seconds is None else _duration(self.seconds)
        lines += [f"{self.steps} steps; time, roughly: {took}", *self.notes]
        if self.sample:
            row = "".join(f"{LEARNED[0]}{p['text']}{LEARNED[1]}" if p["learned"] else p["text"] for p in self.sample)
            lines += ["", f"One row, what is learned between {LEARNED[0]} and {LEARNED[1]}:", *_indented(row)]
        return "\n".join(lines)


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def preflight(config: TrainConfig, on: str | None = None) -> Report:
    """Estimate a run.

    Args:
        config: what would be trained.
        on: GPUs to plan for, as `16xH100`; None takes what is here.

    Raises:
        S1Error: the model's shape is not known here, or `on` names no known GPU.
    """
    shape = shape_of(config.model)
    work = _work(config)
    machine = planned(on) if on else machine_here(config)
    parts = memory(config, shape, machine, work.longest)
    total = sum(parts.values())
    fits = total <= machine.memory_gib
    steps = config.epochs * -(-work.rows // config.global_batch)
    steps = steps if config.max_steps is None else min(steps, config.max_steps)
    return Report(
        recipe=config.recipe,
        model=config.model,
        parameters=shape.parameters,
        trained_parameters=shape.adapter_parameters(config.lora_rank) if config.lora else shape.parameters,
        machine=machine,
        data=work.source,
        rows=work.rows,
        longest=work.longest,
        memory_gib={name: round(gib, 3) for name, gib in parts.items()},
        total_gib=round(total, 2),
        fits=fits,
        steps=steps,
        seconds=_seconds(config, shape, machine, work, steps),
        would_fit=[] if fits else suggestions(config, shape, machine, work.longest, _needs),
        notes=[f"{note}." for note in work.notes] + _notes(config, shape, machine),
        sample=[part._asdict() for part in work.sample],
    )


def memory(config: TrainConfig, shape: Shape, machine: Machine, longest: int) -> dict[str, float]:
    """GiB on each GPU, by what takes it."""
    sharded = config.sharding != "none" and (machine.gpu or machine.count > 1)
    split = machine.count if sharded else 1
    kept = 0.0 if config.cpu_offload and sharded else 1.0 / split
    compute = 2 if config.compute == "bfloat16" else 4
    trained = shape.adapter_parameters(config.lora_rank) if config.lora else shape.parameters
    frozen = shape.parameters if config.lora else 0
    tokens = longest if config.packing else longest * config.micro_batch
    if config.packing:
        tokens = config.max_length
    hidden, layer = _activations(config, shape, tokens, compute)
    gradients = 4 * trained * kept
    if config.global_batch <= machine.count * (1 if config.packing else config.micro_batch):
        # With one pass to a step, they grow as the hidden states of the layers go.
        gradients = max(0.0, gradients - hidden)
    parts = {
        "weights": (4 * trained + compute * frozen) * kept,
        "gradients, beyond freed activations": gradients,
        "optimizer (two moments)": 8 * trained * kept,
        "activations": hidden + layer,
        "scores over the vocabulary": min(config.loss_chunk, tokens) * shape.vocab * (compute + 8),
    }
    if sharded:
        # The layer that computes and the next one are whole, as are embedding and head; the layer's gradients too, in
        # both dtypes, and the head's.
        whole = 0 if config.lora else (compute + 4) * shape.layer_parameters + compute * shape.vocab * shape.width
        parts["layers that are whole"] = compute * (2 * shape.layer_parameters + shape.root_parameters) + whole
        if not config.sync_each_batch and not config.lora:
            parts["gradients that are not reduced yet"] = 4 * shape.parameters
    gib = {name: size / GIB for name, size in parts.items()}
    if machine.gpu:
        gib["CUDA and allocator"] = CONTEXT_GIB + RESERVE * machine.memory_gib
    return gib


def _activations(config: TrainConfig, shape: Shape, tokens: int, compute: int) -> tuple[float, float]:
    """Bytes that the forward pass leaves for the backward pass, and what the layer at work adds."""
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    inside = compute * (4 * shape.width + 2 * queries + 2 * keys + 4 * shape.ffn) + 8 * shape.width
    layer = tokens * inside
    stays = layer * (COMPILED if config.compile else 1.0)
    if not config.activation_checkpointing:
        return shape.layers * stays, layer / 2
    kept = min(config.kept_layers, shape.layers)
    # Flash attention is assumed; the layer that is computed again has its activations and some of their gradients.
    return tokens * shape.width * compute * (shape.layers - kept) + kept * stays, 1.5 * layer


def _seconds(config: TrainConfig, shape: Shape, machine: Machine, work: Work, steps: int) -> float | None:
    if not machine.tflops:
        return None
    per_epoch = -(-work.rows // config.global_batch)
    if not machine.gpu and (speed := measure(config, shape, work.pass_rows, work.pass_length)):
        return round(steps * (work.passes / per_epoch * speed.pass_s + speed.update_s), 1)
    tokens = work.tokens * steps / max(1, per_epoch)
    mean = work.tokens / max(1, work.rows)
    again = 1 - min(config.kept_layers, shape.layers) / shape.layers if config.activation_checkpointing else 0
    passes = 6 + 2 * again
    passes -= 2 if config.lora else 0  # frozen weights need no gradient of their own
    attention = 2 * passes * shape.layers * shape.heads * shape.head_dim * mean / 2
    work_flops = tokens * (passes * (shape.parameters - (0 if shape.tied else shape.vocab * shape.width)) + attention)
    share = MFU if machine.gpu else CPU_MFU
    return round(work_flops / (machine.count * machine.tflops * 1e12 * share), 1)


def _needs(config: TrainConfig, shape: Shape, machine: Machine, longest: int) -> float:
    return sum(memory(config, shape, machine, longest).values())


def _notes(config: TrainConfig, shape: Shape, machine: Machine) -> list[str]:
    notes: list[str] = []
    if config.max_length > shape.positions:
        notes.append(f"max_length={config.max_length} is more than the {shape.positions} tokens that the model reads.")
    dtype = 2 if config.compute == "bfloat16" else 4
    if machine.gpu:
        host, result = shape.parameters * dtype / GIB, shape.parameters * (dtype if config.lora else 4) / GIB
        notes.append(
            f"Loading reads {host:.0f} GiB of weights on every node; the first process needs {result:.0f} GiB of "
            "host memory to write the result."
        )
    return notes


def _work(config: TrainConfig) -> Work:
    """The rows as they would be trained on; without data or tokenizer, a thousand rows of s1K's size."""
    source = config.data
    root = root_of(config.model)
    if not source and root == SMOLLM2:
        config, source = replace(config, data=UNCURATED), f"none named: reckoned as {UNCURATED}"
    if config.data:
        from train.finetune.data import load_data
        from train.finetune.model import load_tokenizer

        try:
            # Adapters change no token: the tokenizer is there before they are.
            tokenizer = load_tokenizer(root, config.chat_template)
        except S1Error:
            source = f"{source} (the tokenizer is not here: reckoned as s1K)"
        else:
            data = load_data(config, tokenizer)
            # Notes are given by themselves.
            return _counted(config, data, replace(data, notes=()).summary() if source == config.data else source)
    # s1K: 1,000 rows; thinking traces of 4,700 tokens on average, the longest beyond every limit used here.
    mean, batch = min(5_500, config.max_length), 1 if config.packing else config.micro_batch
    source = f"{source or 'none named: reckoned as s1K'}, 1,000 rows"
    return Work(
        rows=1_000, tokens=1_000 * mean, longest=config.max_length,
        passes=-(-1_000 // batch), pass_rows=batch, pass_length=mean, source=source,
    )  # fmt: skip


def _counted(config: TrainConfig, data: TrainingData, source: str) -> Work:
    from train.finetune.batches import rows_of_step, units_of

    lengths = [len(row.ids) for row in data.rows]
    steps = range(-(-len(lengths) // config.global_batch))
    units = [unit for s in steps for unit in units_of(config, data.rows, rows_of_step(config, lengths, s), 0, 1)]
    sequences = [1 if config.packing else len(unit) for unit in units]
    padded = [
        sum(lengths[i] for i in unit) if config.packing else len(unit) * max(lengths[i] for i in unit) for unit in units
    ]
    rows = max(1, round(sum(sequences) / len(units)))
    return Work(
        rows=len(lengths), tokens=sum(lengths), longest=max(lengths), passes=len(units), pass_rows=rows,
        pass_length=max(2, round(sum(padded) / len(units) / rows)), source=source, sample=data.sample, notes=data.notes,
    )  # fmt: skip
