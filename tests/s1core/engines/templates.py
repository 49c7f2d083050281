"""Chat templates written after the families' documented structure, and small models that speak them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from s1core.engines.scripted import byte_tokenizer

TURNS = "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}"
ASK = "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
PLAIN = TURNS + ASK
HYBRID = (
    "{%- if enable_thinking is not defined %}{%- set enable_thinking = DEFAULT %}{%- endif %}" + TURNS + "{%- if "
    "add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- if enable_thinking %}{{- ON }}{%- else %}"
    "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}"
)
HYBRID_OFF = HYBRID.replace("DEFAULT", "false").replace("ON", "'<think>\\n'")
ALWAYS_CLOSED = TURNS + ASK.replace("assistant\\n", "assistant\\n<think>\\n\\n</think>\\n\\n")
ENDS_THINKING = TURNS + ASK.replace("assistant\\n", "assistant\\n</think>")
OPENS = TURNS + ASK.replace("assistant\\n", "assistant\\n<think>\\n")
REFUSES_SYSTEM = "{%- if messages[0].role == 'system' %}{{- raise_exception('no system turns') }}{%- endif %}" + PLAIN
DROPS_SYSTEM = PLAIN.replace("{{- '<|im_start|>'", "{%- if m.role != 'system' %}{{- '<|im_start|>'", 1).replace(
    "{%- endfor %}", "{%- endif %}{%- endfor %}", 1
)
NEVER_ASKS = TURNS
BREAKS = "{{- messages[7].content }}"

# Thoughts of the last turn are shown, those of earlier ones are not; thinking can be switched off.
QWEN3 = (
    "{%- set ns = namespace(last=0) %}{%- for m in messages %}{%- if m.role == 'user' %}"
    "{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}"
    "{%- for m in messages %}{%- set content = m.content %}{%- set thought = '' %}"
    "{%- if m.role == 'assistant' %}{%- if m.reasoning_content is string %}{%- set thought = m.reasoning_content %}"
    "{%- elif '</think>' in content %}"
    "{%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}"
    "{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}{%- endif %}"
    "{{- '<|im_start|>' + m.role + '\\n' }}"
    "{%- if m.role == 'assistant' and loop.index0 > ns.last and thought %}"
    "{{- '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' }}{%- endif %}"
    "{{- content + '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"
    "{%- endif %}"
)
# Opens the block itself, and shows no thoughts.
R1 = (
    "{%- for m in messages %}{%- if m.role == 'user' %}{{- '<|User|>' + m.content }}"
    "{%- elif m.role == 'assistant' %}{{- '<|Assistant|>' + m.content.split('</think>')[-1] + '<|im_end|>' }}"
    "{%- else %}{{- m.content }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|Assistant|><think>\\n' }}{%- endif %}"
)
# Closes without a line break before the marker, and with one after it.
CLOSE_AT_ONCE = (
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}{%- if m.reasoning_content %}"
    "{{- '<think>' + m.reasoning_content + '</think>\\n' }}{%- endif %}{{- m.content + '<|im_end|>\\n' }}{%- endfor %}"
) + ASK
# Thinks in tags of its own.
SEED = (
    CLOSE_AT_ONCE.replace("<think>", "<seed:think>")
    .replace("</think>", "</seed:think>")
    .replace("assistant\\n", "assistant\\n<seed:think>")
)


def tokenizer(template: str, *, markers: bool = True) -> PreTrainedTokenizerFast:
    """One token a byte; `<think>` and `</think>` are tokens of their own, or text."""
    words = byte_tokenizer("<|User|>", "<|Assistant|>", *(("<think>", "</think>") if markers else ()))
    made = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|im_end|>")
    made.chat_template = template
    return made


def save_model_that_says(folder: Path, template: str, said: dict[str, str], *, markers: bool = True) -> None:
    """Save a small model that was taught one turn for each question, exactly as its template has it."""
    words: Any = tokenizer(template, markers=markers)
    texts = []
    for question, turn in said.items():
        asked = words.apply_chat_template(
            [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
        )
        texts.append(words.encode(asked + turn + "<|im_end|>", add_special_tokens=False))
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=272,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=128,
            max_position_embeddings=512,
            tie_word_embeddings=False,
        )
    )
    width = max(map(len, texts))
    ids = torch.tensor([text + [0] * (width - len(text)) for text in texts])
    labels = torch.tensor([text + [-100] * (width - len(text)) for text in texts])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(400):
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.02:
            break
    model.generation_config.eos_token_id = words.eos_token_id
    model.eval().save_pretrained(folder)
    words.save_pretrained(folder)
