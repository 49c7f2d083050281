"""The server itself, killed while visitors ask, curations are launched from its page and are watched there."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import httpx

from tests.faults.nursery import Nursery
from tests.faults.scenes import Lost, Scene

VISITORS = 6


class Server(Scene):
    """`python -m app`, with what is asked of it."""

    name, kept = "the server under load", "sets, runs and jobs of its pages; it answers again"

    def __init__(self, nursery: Nursery, folder: Path) -> None:
        super().__init__(nursery, folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}/", timeout=30, trust_env=False)
        self._launched: list[str] = []
        self._over = threading.Event()
        self._crowd: list[threading.Thread] = []
        self.answers = self.broken_off = 0

    def start(self) -> int:
        """Start it, see that all is there, and let visitors come."""
        pid = self.nursery.start("app.__main__", "--port", str(self._port))
        self.wait_for(self._answers, "the server's first answer")
        self._see_all()
        self._over = threading.Event()
        asks = [self._ask] * VISITORS + [self._watch, self._launch]
        self._crowd = [threading.Thread(target=self._until_over, args=(ask,), daemon=True) for ask in asks]
        for one in self._crowd:
            one.start()
        return pid

    @property
    def longest_s(self) -> float:
        """Long enough for a curation to be launched and for answers to stream."""
        return 1.5

    def check(self) -> None:
        """The next start looks; here the visitors go home."""
        self._over.set()
        for one in self._crowd:
            one.join(timeout=30)
            if one.is_alive():
                raise Lost("a visitor still waits for a server that is dead")

    def finish(self) -> str:
        """All that was launched comes to its end, watched from a new server."""
        pid = self.start()
        self.check()
        self.wait_for(
            lambda: all(not self._get("curate/job", set=name)["runs"] for name in self._launched), "all jobs' end"
        )
        for name in self._launched:
            state = self._get("curate/set", set=name)["state"]
            if state != "partial":
                raise Lost(f"the curation {name} was launched and is {state}")
        os.kill(pid, signal.SIGTERM)
        if self.nursery.wait(pid) not in (0, -signal.SIGTERM):
            raise Lost("the server does not end when it is asked to")
        told = f"{self.answers} answers, {self.broken_off} broken off by a kill"
        return f"{told}; {len(self._launched)} curations, each found again and finished"

    def _answers(self) -> bool:
        try:
            return self._client.get("curate/sets").status_code == 200
        except httpx.HTTPError:
            return False

    def _see_all(self) -> None:
        """What was promised before is on the new server's page."""
        # Jobs first: one that is over by now has left its set.
        at_work = {name: self._get("curate/job", set=name)["runs"] for name in self._launched}
        listed = {one["id"]: one for one in self._get("curate/sets")["sets"]}
        for name in self._launched:
            if name not in listed and not at_work[name]:
                raise Lost(f"the curation {name} was launched and is nowhere")
            if name in listed and listed[name]["state"] not in ("begun", "running", "partial"):
                raise Lost(f"the curation {name} is {listed[name]['state']} after a kill of the server")
        self._get("train/runs")
        self._get("curves/catalogue")

    def _get(self, path: str, **asked: str) -> Any:
        answer = self._client.get(path, params=asked)
        if answer.status_code != 200:
            raise Lost(f"{path} answers {answer.status_code}: {answer.text[:200]}")
        return answer.json()

    def _until_over(self, ask: Any) -> None:
        while not self._over.is_set():
            try:
                ask()
            except (httpx.HTTPError, json.JSONDecodeError):
                self.broken_off += 1
                return

    def _ask(self) -> None:
        body = {"model": "s1-nano", "messages": [{"role": "user", "content": "How many r in raspberry?"}]}
        body |= {"stream": True, "min_thinking_tokens": 64, "thinking_budget": 64}
        with httpx.stream(
            "POST", f"{self._client.base_url}v1/chat/completions", json=body, timeout=30, trust_env=False
        ) as answer:
            whole = any(line == "data: [DONE]" for line in answer.iter_lines())
        self.answers += whole

    def _watch(self) -> None:
        for path in ("curate/sets", "train/runs", "curves/catalogue"):
            httpx.get(f"{self._client.base_url}{path}", timeout=30, trust_env=False)
        self._over.wait(0.2)

    def _launch(self) -> None:
        """Press Launch on the Curate tab, with the form as it stands but for a few questions and the first stages."""
        with httpx.Client(base_url=self._client.base_url, timeout=30, trust_env=False) as page:
            config = page.get("config").json()
            parts = {part["id"]: part["props"] for part in config["components"]}
            button = next(number for number, props in parts.items() if props.get("elem_id") == "curate-launch")
            event = next(e for e in config["dependencies"] if [button, "click"] in e["targets"])
            values = {number: parts[number].get("value") for number in event["inputs"]}
            names = {parts[number].get("label"): number for number in event["inputs"]}
            values[names["Recipe"]] = "files"
            values[names["Sources"]] = ["nano"]
            values[names["Not to be trained on"]] = "none"
            values[names["Of s1-nano's families"]] = 100 + 10 * len(self._launched)
            session = secrets.token_hex(6)
            page.post(
                "gradio_api/queue/join",
                json={"fn_index": event["id"], "data": list(values.values()), "session_hash": session},
            )
            with page.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as told:
                for line in told.iter_lines():
                    said = json.loads(line[6:]) if line.startswith("data: ") else {}
                    if said.get("msg") == "process_completed":
                        news = said["output"]["data"][0]
                        if news["kind"] == "launched":
                            self._launched.append(news["set"])
                        break
        self._over.wait(5.0)
