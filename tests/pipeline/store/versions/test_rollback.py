"""A rollback: what is live then, what is never pushed again, and what the next run takes for the last blessed model."""

from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.types import artifact_utils, standard_artifacts

from common.errors import ModelError
from pipeline.store.runs.metadata import open_store
from pipeline.store.runs.retention import prune
from pipeline.store.versions.blessings import take_back
from pipeline.store.versions.push import PushResult, push
from pipeline.store.versions.rollback import default_target, roll_back
from pipeline.store.versions.withdrawn import withdrawn
from serving_signatures.provenance import model_digest
from tests.pipeline.store.runs.history import NAME, History
from tests.pipeline.store.versions.conftest import Clock
from tests.pipeline.store.versions.folders import hidden, make_model, served


class World:
    """A serving folder and a metadata store, filled as runs of the pipeline fill them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.serving = folder / "serving"
        self.metadata_path = str(folder / "metadata.db")
        self.store = open_store(self.metadata_path)
        self.models: dict[int, str] = {}

    def run(self, name: str, *, is_pushed: bool = True, is_told: bool = True) -> None:
        """One run that trains, blesses and pushes the model of this name; if not told, it was killed in between."""
        make_model(self.folder / "models" / name / "Format-Serving", name)
        artifact = standard_artifacts.Model()
        artifact.uri = str(self.folder / "models" / name)
        model = self._put(artifact)
        self.models[model] = name
        blessing = self.bless(name)
        if is_pushed:
            result = self.push(name)
        if is_pushed and is_told:
            pushed = self._put(standard_artifacts.PushedModel(), pushed=int(result.version is not None))
            digest = self.store.get_artifacts_by_id([pushed])[0]
            digest.custom_properties["model_digest"].string_value = result.digest
            self.store.put_artifacts([digest])
            type_id = self.store.put_execution_type(pb.ExecutionType(name="Pusher"))
            execution = pb.Execution(type_id=type_id)
            events = [pb.Event(artifact_id=each, type=pb.Event.INPUT) for each in (model, blessing)]
            events.append(pb.Event(artifact_id=pushed, type=pb.Event.OUTPUT))
            self.store.put_execution(execution, [(None, event) for event in events], [])

    def bless(self, name: str) -> int:
        """The evaluator blesses the model of this name, perhaps anew."""
        [model] = [each for each, other in self.models.items() if other == name]
        return self._put(standard_artifacts.ModelBlessing(), blessed=1, current_model_id=model)

    def push(self, name: str) -> PushResult:
        return push(str(self.folder / "models" / name / "Format-Serving"), str(self.serving), 9)

    def _put(self, artifact: Any, **properties: int) -> int:
        for name, value in properties.items():
            artifact.set_int_custom_property(name, value)
        artifact.mlmd_artifact.type_id = self.store.put_artifact_type(artifact.artifact_type)
        artifact.mlmd_artifact.state = pb.Artifact.LIVE
        [artifact_id] = self.store.put_artifacts([artifact.mlmd_artifact])
        return int(artifact_id)

    def last_blessed(self) -> str | None:
        """The model that the next run starts from."""
        found = last_blessed(self.store)
        return None if found is None else self.models[found]

    def back(self, number: int | None = None, keep: int = 9) -> tuple[int, int, int | None]:
        number = default_target(str(self.serving)) if number is None else number
        result = roll_back(str(self.serving), keep, self.metadata_path, number)
        assert result.blessed is not None
        assert result.blessed.has_target == (self.last_blessed() == served(self.serving)[result.live])
        return result.target, result.live, result.blessed.taken

    def lose(self, name: str) -> None:
        """The artifact of this model is deleted and marked so."""
        [model] = self.store.get_artifacts_by_id([each for each, other in self.models.items() if other == name])
        model.state = pb.Artifact.DELETED
        self.store.put_artifacts([model])

    def out(self) -> set[str]:
        names = {model_digest(str(path / "Format-Serving")): path.name for path in (self.folder / "models").iterdir()}
        return {names[digest] for digest in withdrawn(str(self.serving))}


def last_blessed(store: mlmd.MetadataStore) -> int | None:
    """Id of the model that TFX's own resolver hands to the next run."""
    channels = {}
    for key, name in (("model", "Model"), ("model_blessing", "ModelBlessing")):
        kind = store.get_artifact_type(name)
        channels[key] = [
            artifact_utils.deserialize_artifact(kind, each)
            for each in store.get_artifacts_by_type(name)
            if each.state == pb.Artifact.LIVE  # as TFX asks for them
        ]
    found = LatestBlessedModelStrategy().resolve_artifacts(store, channels)
    assert found is not None
    return int(found["model"][0].id) if found["model"] else None


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> World:
    """Models a, b and c, each pushed by a run of its own, under 1000 and the two numbers after."""
    world = World(tmp_path)
    for name in "abc":
        world.run(name)
    assert world.last_blessed() == "c"
    return world


def test_rollback_default_is_the_model_before_under_a_higher_number(world: World) -> None:
    assert world.back() == (1001, 1003, 1)
    assert served(world.serving) == {1000: "a", 1002: "c", 1003: "b"}
    assert (world.last_blessed(), world.out()) == ("b", {"c"})


def test_rollback_again_goes_further_back(world: World) -> None:
    world.back()
    assert world.back() == (1000, 1004, 1)
    assert served(world.serving)[1004] == "a"
    assert (world.last_blessed(), world.out()) == ("a", {"b", "c"})
    with pytest.raises(ModelError, match="holds no other model that was not withdrawn"):
        world.back()


def test_rollback_two_at_once_withdraws_both(world: World) -> None:
    assert world.back(1000) == (1000, 1003, 2)
    assert (world.last_blessed(), world.out()) == ("a", {"b", "c"})


def test_rollback_to_a_withdrawn_version_brings_it_back(world: World) -> None:
    world.back(1000)
    assert world.back(1001)[:2] == (1001, 1004)
    assert (world.last_blessed(), world.out()) == ("b", {"c"})
    assert world.back(1002)[:2] == (1002, 1005)
    assert (world.last_blessed(), world.out()) == ("c", set())
    assert served(world.serving) == {1003: "a", 1004: "b", 1005: "c"}


def test_rollback_step_by_step_as_many_models_as_are_kept_ends_at_the_first(tmp_path: Path, clock: Clock) -> None:
    world = World(tmp_path)
    for name in "abcde":
        world.run(name)
    for live in "dcba":
        world.back(keep=5)
        assert list(served(world.serving).values())[-1] == live
        assert set(served(world.serving).values()) == set("abcde")
    assert (world.last_blessed(), world.out()) == ("a", set("bcde"))


def test_rollback_to_a_number_that_a_rollback_replaced_says_which_one_its_model_has(world: World) -> None:
    world.back(1001)  # b is now 1003
    world.back(1002)
    world.back(1003)  # and now 1005
    for number in (1001, 1003):
        with pytest.raises(ModelError, match=f"holds no version {number}, whose model is version 1005 now; its ver"):
            world.back(number)


def test_rollback_target_chosen_before_a_run_that_pushed_withdraws_what_it_pushed(world: World) -> None:
    target = default_target(str(world.serving))
    world.run("d")
    assert world.back(target) == (1001, 1004, 2)
    assert (world.last_blessed(), world.out()) == ("b", {"c", "d"})


def test_rollback_after_the_first_numbers_are_gone_remembers_the_order(world: World) -> None:
    world.back(1000)  # a is now 1003
    world.back(1002, keep=2)  # c is now 1004; 1000 to 1002 have made way
    assert served(world.serving) == {1003: "a", 1004: "c"}
    assert (world.last_blessed(), world.out()) == ("c", {"b"})
    world.back()
    assert (world.last_blessed(), world.out()) == ("a", {"b", "c"})


def test_rollback_blessed_but_never_pushed_newer_model_loses_its_blessing(world: World) -> None:
    world.run("d", is_pushed=False)
    assert world.last_blessed() == "d"
    assert world.back() == (1001, 1003, 2)
    assert world.last_blessed() == "b"


def test_rollback_to_what_is_live_changes_nothing(world: World) -> None:
    assert world.back(1002) == (1002, 1002, 0)
    assert sorted(served(world.serving)) == [1000, 1001, 1002]
    assert hidden(world.serving) == []


def test_push_of_a_withdrawn_model_blessed_anew_is_not_pushed(world: World) -> None:
    world.back()
    result = world.push("c")
    assert (result.version, result.is_new) == (None, False)
    assert result.reason.startswith("this model was version 1002 until a rollback withdrew it at ")
    assert max(served(world.serving)) == 1003
    world.run("d")
    assert served(world.serving)[1004] == "d"
    assert world.last_blessed() == "d"


def test_rollback_withdrawn_model_blessed_anew_is_not_the_last_blessed_of_the_next_run(world: World) -> None:
    world.back()
    world.bless("c")
    assert world.last_blessed() == "c"
    take_back(world.metadata_path, str(world.serving))
    assert world.last_blessed() == "b"
    world.back(1002)
    take_back(world.metadata_path, str(world.serving))
    assert world.last_blessed() == "c"


def test_rollback_from_and_to_a_model_whose_push_was_killed_before_its_record(world: World) -> None:
    world.run("d", is_told=False)
    assert world.back() == (1002, 1004, 1)
    assert (world.last_blessed(), world.out()) == ("c", {"d"})
    assert world.back(1003) == (1003, 1005, 0)
    world.run("e")
    assert world.back() == (1005, 1007, 1)
    assert world.last_blessed() == "d"


def test_rollback_to_a_model_at_whose_place_another_one_was_trained_is_warned_of(world: World) -> None:
    world.run("d", is_told=False)
    world.run("e")
    make_model(world.folder / "models" / "d" / "Format-Serving", "another")
    result = roll_back(str(world.serving), 9, world.metadata_path, 1003)
    assert result.blessed is not None and not result.blessed.has_target


def test_rollback_without_metadata_store_says_so(world: World) -> None:
    result = roll_back(str(world.serving), 9, str(world.folder / "no.db"), 1001)
    assert result.blessed is None
    assert served(world.serving)[result.live] == "b"
    assert not (world.folder / "no.db").exists()


def test_rollback_empty_metadata_store_takes_nothing(world: World) -> None:
    open_store(str(world.folder / "empty.db"))
    assert roll_back(str(world.serving), 9, str(world.folder / "empty.db"), 1001).blessed == (0, False)


@pytest.mark.parametrize(("lost", "next_one"), [("a", None), ("b", "a")])
def test_rollback_to_a_model_without_artifact_says_that_it_is_not_found(
    world: World, lost: str, next_one: str | None
) -> None:
    world.lose(lost)
    result = roll_back(str(world.serving), 9, world.metadata_path, 1000 + "abc".index(lost))
    assert result.blessed is not None and not result.blessed.has_target
    assert served(world.serving)[result.live] == lost
    assert world.last_blessed() == next_one


def test_rollback_nothing_pushed_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is nothing to go back to"):
        roll_back(str(tmp_path / "serving"), 9, str(tmp_path / "no.db"), 5)
    with pytest.raises(ModelError, match="there is nothing to go back to"):
        default_target(str(tmp_path / "serving"))


def test_rollback_to_a_number_that_is_not_there_lists_those_that_are(world: World) -> None:
    with pytest.raises(ModelError, match="holds no version 7; its versions are 1000, 1001, 1002"):
        world.back(7)
    assert (world.last_blessed(), world.out()) == ("c", set())


@pytest.mark.fault
def test_rollback_to_a_damaged_version_is_refused_and_changes_nothing(world: World) -> None:
    (world.serving / "1001" / "variables" / "variables.index").write_text("cut")
    with pytest.raises(ModelError, match="have changed since it was pushed"):
        world.back()
    assert max(served(world.serving)) == 1002
    assert (world.last_blessed(), world.out()) == ("c", set())


@pytest.mark.fault
@pytest.mark.parametrize("step", ["write_withdrawn", "bless_again", "publish"])
def test_rollback_killed_before_a_step_and_run_again_ends_as_if_undisturbed(
    world: World, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(f"pipeline.store.versions.rollback.{step}", die)
        with pytest.raises(Killed):
            world.back()
    assert served(world.serving)[max(served(world.serving))] == "c"
    world.back()
    assert served(world.serving) == {1000: "a", 1002: "c", 1003: "b"}
    assert (world.last_blessed(), world.out()) == ("b", {"c"})


def test_rollback_on_an_object_store(tmp_path: Path, clock: Clock, object_store: Path) -> None:
    for name in "ab":
        push(make_model(tmp_path / name, name), str(object_store), 9)
    assert roll_back(str(object_store), 2, str(tmp_path / "no.db"), 1000).live == 1002
    assert served(object_store) == {1001: "b", 1002: "a"}
    assert push(str(tmp_path / "b"), str(object_store), 9).version is None


def test_rollback_to_a_renumbered_model_after_old_runs_were_deleted_is_found_by_the_next_run(
    tmp_path: Path, clock: Clock
) -> None:
    history, models = History(tmp_path), {}

    def run(name: str) -> None:
        run = history.run()
        (model,) = run.node("Trainer", {"model": "Model"})
        custom_properties: dict[str, Any] = {"blessed": 1, "current_model_id": model}
        (blessing,) = run.node("Evaluator", {"blessing": "ModelBlessing"}, custom_properties=custom_properties)
        result = push(make_model(Path(history.artifact(model).uri), name), str(history.serving), 2)
        custom_properties = {"pushed": 1, "pushed_destination": result.path, "model_digest": result.digest}
        run.node(
            "Pusher", {"pushed_model": "PushedModel"}, inputs=[model, blessing], custom_properties=custom_properties
        )
        models[name] = model

    run("a")
    run("b")
    roll_back(str(history.serving), 2, history.metadata_path, 1000)  # a is now 1002
    run("c")
    assert served(history.serving) == {1002: "a", 1003: "c"}
    prune(history.metadata_path, NAME, history.root, str(history.serving), 1)
    assert {name: history.state(model) for name, model in models.items()} == {"a": "LIVE", "b": "DELETED", "c": "LIVE"}
    result = roll_back(str(history.serving), 2, history.metadata_path, 1002)
    assert (result.target, served(history.serving)[result.live], result.blessed) == (1002, "a", (1, True))
    assert last_blessed(history.store) == models["a"]
