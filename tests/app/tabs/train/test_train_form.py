"""What the form of the Train tab asks of `train.launch`: checked, and never more than was asked."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from app.artifacts.curated.sets import EXAMPLES, SetStore
from app.jobs.commands import FormError
from app.tabs.train.form import TrainingRequest, catalogue, check, is_personal, keys_of, preflight, read_form, shortfall
from app.tabs.train.slurm import is_here
from tests.app.tabs.train.train_data import write_rows

FORM: dict[str, Any] = {
    "recipe": "s1-nano",
    "data": "example.nano-1k",
    "settings": "",
    "where": "this machine",
    "processes": 1,
    "nodes": 1,
    "gpus": 0,
    "partition": "",
    "time": "24:00:00",
    "name": "",
    "on": "",
}


def form(**changes: Any) -> dict[str, Any]:
    return FORM | changes


@pytest.fixture
def sets(tmp_path: Path) -> SetStore:
    return SetStore(tmp_path / "curated")


def read(sets: SetStore, *, owner: bool = True, **changes: Any) -> TrainingRequest:
    return read_form(form(**changes), sets, owner=owner)


def test_the_command_that_is_shown_is_what_runs(tmp_path: Path, sets: SetStore) -> None:
    asked = read(sets, settings="max_steps = 6\n\n lr=0.01", processes=2)
    words = asked.launch_words(tmp_path)
    assert words[:2] == ["-m", "train.launch"]
    assert {"--processes=2", "--recipe=s1-nano", "--set=max_steps=6", "--set=lr=0.01", "--resume"} <= set(words)
    assert f"--data={EXAMPLES / 'nano-1k' / 'rows.jsonl'}" in words
    assert f"--out={tmp_path.resolve() / asked.name}" in words
    assert shlex.split(asked.command(tmp_path)) == [sys.executable, *words]


def test_what_strangers_see_runs_elsewhere_and_names_no_place_of_this_machine(tmp_path: Path, sets: SetStore) -> None:
    line = read(sets).command_elsewhere()
    assert line.startswith("python -m train.launch --processes=1 --recipe=s1-nano --data=app/examples/nano-1k/")
    assert str(tmp_path) not in line and str(EXAMPLES.parents[1]) not in line


def test_the_same_form_goes_on_in_its_folder_and_another_one_has_another(sets: SetStore) -> None:
    name = read(sets).name
    assert name.startswith("s1-nano-nano-1k-") and read(sets, processes=2, on="8xH100").name == name
    assert read(sets, settings="lr=0.01").name != name
    assert read(sets, name="mine").name == "mine"


def test_rows_that_training_makes_are_anybodys(tmp_path: Path, sets: SetStore) -> None:
    given = form(recipe="s1-135m", data="problems:1000")
    assert not is_personal(given, sets)
    asked = read_form(given, sets, owner=False)
    assert asked.name.startswith("s1-135m-problems-1000-") and "--data=problems:1000" in asked.launch_words(tmp_path)
    assert "--data=problems:1000" in asked.command_elsewhere()
    for other in ("problems:0", "problems:100000", "problems:1 --set=x", "other:5", "problems:../x"):
        with pytest.raises(FormError, match="no such data"):
            read_form(form(data=other), sets, owner=False)


def test_files_are_the_owners_and_change_the_folder_with_their_rows(tmp_path: Path, sets: SetStore) -> None:
    path = write_rows(tmp_path / "mine.jsonl", 2)
    given = form(data=str(path))
    assert is_personal(given, sets) and not is_personal(form(), sets)
    assert is_personal(form(settings="lr=1\n model = /x"), sets)
    before = read(sets, data=str(path)).name
    with pytest.raises(FormError, match="no such data"):
        read(sets, owner=False, data=str(path))
    write_rows(path, 3)
    assert read(sets, data=str(path)).name != before


def test_no_field_can_become_an_option(tmp_path: Path, sets: SetStore) -> None:
    path = write_rows(tmp_path / "--out=elsewhere.jsonl", 2)
    asked = read(sets, data=str(path), settings="format=--out=x")
    words = asked.launch_words(tmp_path)
    assert [word for word in words if word.startswith("--out=")] == [f"--out={tmp_path.resolve() / asked.name}"]
    assert "--set=format=--out=x" in words


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": "s2"}, "no recipe called 's2'; known: s1-32b, "),
        ({"data": "nowhere.jsonl"}, "no such data"),
        ({"data": "../nowhere.jsonl"}, "no such data"),
        ({"settings": "lr"}, "one key=value a line; 'lr' is none"),
        ({"settings": "speed=9"}, "no key 'speed'; known: model, format"),
        ({"settings": "data=/etc/hosts"}, "choose the data in its own field"),
        ({"settings": "a=1\n" * 61}, "at most 60 lines"),
        ({"processes": 0}, "Processes: from 1 to 64"),
        ({"processes": None}, "Processes: a number"),
        ({"name": "../up"}, "Name: letters, digits"),
        ({"on": "a\nb"}, "at most 1 line of"),
        ({"where": "Slurm", "nodes": 0}, "Nodes: from 1 to 1,024"),
        ({"where": "Slurm", "gpus": -1}, "GPUs of each node: from 0 to 64"),
        ({"where": "Slurm", "partition": "a\n#SBATCH --x"}, "Partition: a name as sinfo shows it"),
        ({"where": "Slurm", "partition": "--wrap=id"}, "Partition: a name"),
        ({"where": "Slurm", "time": "soon"}, "Time: minutes, HH:MM:SS"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(changes: dict[str, Any], message: str, sets: SetStore) -> None:
    with pytest.raises(FormError, match=message):
        read(sets, **changes)


def test_slurm_is_asked_in_the_words_of_the_launcher(tmp_path: Path, sets: SetStore) -> None:
    asked = read(sets, where="Slurm", processes=8, nodes=2, gpus=8, partition=" gpu ", time="1-12")
    words = asked.launch_words(tmp_path)
    where = ["--on=slurm", "--nodes=2", "--gpus-per-node=8", "--time=1-12", "--partition=gpu", "--processes=8"]
    assert words[2:8] == where and shlex.split(asked.command(tmp_path)) == [sys.executable, *words]
    # It takes nothing of this machine, and the same run goes on here.
    assert asked.device is None and asked.name == read(sets).name
    assert "--on=slurm" in asked.command_elsewhere() and "--on=slurm" not in read(sets, nodes=2).command(tmp_path)
    check(asked, tmp_path)
    with pytest.raises(FormError, match="^--time takes minutes"):
        check(read(sets, where="Slurm", time="1:2:3:4"), tmp_path)
    with pytest.raises(FormError, match="say what they are in Preflight for, as 16xH100"):
        preflight(asked)


def test_slurm_is_offered_where_jobs_can_be_submitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not is_here()
    for name in ("sbatch", "scontrol", "scancel"):
        (tmp_path / name).touch(0o755)
    assert is_here()


def test_without_data_nothing_is_launched(tmp_path: Path, sets: SetStore) -> None:
    with pytest.raises(FormError, match="Choose the data"):
        read(sets, data="").launch_words(tmp_path)


def test_the_keys_are_those_of_the_command_line_with_the_recipes_values() -> None:
    assert dict(keys_of("s1-32b"))["max_length"] == "32768"
    assert dict(keys_of("s1-nano"))["activation_checkpointing"] == "false"
    assert dict(keys_of("s1-nano"))["max_steps"] == "none"
    assert len(catalogue()["recipes"]) == 9


def test_the_launcher_looks_at_the_values_before_anything_starts(tmp_path: Path, sets: SetStore) -> None:
    check(read(sets), tmp_path)
    with pytest.raises(FormError, match="^lr takes a number; got 'fast'$"):
        check(read(sets, settings="lr=fast"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_preflight_comes_from_the_command_line(sets: SetStore) -> None:
    told = preflight(read(sets, recipe="s1-32b", data="", on="8xH100"))
    assert told["fits"] is False and told["machine"]["count"] == 8 and told["would_fit"]
    with pytest.raises(FormError, match="--on takes NxGPU"):
        preflight(read(sets, data="", on="8xToaster"))


def test_what_does_not_fit_here_is_told_before_it_is_launched(sets: SetStore) -> None:
    # Planned for other GPUs, it would run on this machine all the same.
    told = shortfall(read(sets, recipe="s1-32b", on="16xH100", settings="micro_batch=1024"))
    assert told is not None and told["machine"]["name"] != "H100" and told["total_gib"] > 400
    assert shortfall(read(sets)) is None
    assert shortfall(read(sets, settings="lr=fast")) is None  # for the launcher to say


def test_preflight_tells_strangers_no_place(sets: SetStore) -> None:
    told = preflight(read(sets))
    assert (told["data"], told["model"]) == ("60 rows of nano-1k; none was too long", "s1core/nano/base")
    assert told["fits"] is True and told["steps"] == 20
