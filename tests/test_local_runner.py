"""The whole way, as a user types it: the `tfx` CLI, a run, the pushed model in a process without our code."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from csv import DictReader
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from documents.evaluation import EvaluationReport
from documents.service_data import HISTORIES_FILE, ITEMS_FILE, Histories, ServiceData
from tests.docs.markdown import GUIDES, fences, name
from tests.shop import ITEMS, MAX_HISTORY, Shop

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parent.parent
SIGNATURES = {
    "serving_default",
    "recommend",
    "scores",
    "embed_items",
    "embed_item_indices",
    "embed_users",
    "similar_items",
    "catalogue",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    created = shop.run("tfx", "pipeline", "create", "--engine=local", f"--pipeline_path={ROOT / 'local_runner.py'}")
    assert created.returncode == 0, created.stderr
    assert 'Pipeline "shop" created successfully.' in created.stdout
    ran = shop.run("tfx", "run", "create", "--engine=local", "--pipeline_name=shop")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (shop.folder / "first_run.txt").write_text(ran.stdout)
    return shop


def _page(shop: Shop, number: int) -> str:
    return (shop.home / "reports" / f"{number}.html").read_text(encoding="utf-8")


def test_run_pushes_one_model_and_says_where(shop: Shop) -> None:
    assert [version.name.isdigit() for version in shop.versions] == [True]
    assert (shop.versions[0] / "saved_model.pb").exists()
    shown = (shop.folder / "first_run.txt").read_text()
    for component in ("InteractionGen", "CatalogueGen", "DataGate", "Trainer", "Pusher"):
        assert component in shown
    assert str(shop.home / "serving") in shown
    assert str(shop.home / "metadata.db") in shown
    assert str(shop.home / "reports" / "1.html") in shown
    (artifact,) = (shop.home / "artifacts" / "RunReport" / "report").glob("*/report.html")
    for page in (_page(shop, 1), artifact.read_text(encoding="utf-8")):
        assert f"<h1>Pushed as version {shop.versions[0].name}</h1>" in page
        assert "Pusher/pushed_model" in page
        assert str(shop.folder) not in page


def test_run_learns_more_than_popularity(shop: Shop) -> None:
    (metrics_file,) = (shop.home / "artifacts" / "Trainer" / "model_run").glob("*/metrics.json")
    metrics = json.loads(metrics_file.read_text())
    assert metrics["model"]["recall@10"] > metrics["popularity"]["recall@10"]


def _kept(shop: Shop) -> dict[str, list[tuple[int, int, int, str]]]:
    """For each user, time and row of the last event with each liked item, the row of the first one, and the item.

    The latest rating of an item counts; ratings below 3 are no likes.
    """
    [part] = (shop.folder / "interactions").iterdir()
    with part.open(newline="") as file:
        rows = [(row["user_id"], row["item_id"], int(row["rating"]), int(row["timestamp"])) for row in DictReader(file)]
    first: dict[tuple[str, str], int] = {}
    latest: dict[tuple[str, str], tuple[int, int, int]] = {}
    for place, (user, item, rating, time) in enumerate(sorted(rows, key=lambda row: row[3])):
        first.setdefault((user, item), place)
        latest[user, item] = (time, place, rating)
    kept = defaultdict(list)
    for (user, item), (time, place, rating) in latest.items():
        if rating >= 3:
            kept[user].append((time, place, first[user, item], item))
    return {user: sorted(of_user) for user, of_user in kept.items()}


def test_pushed_version_brings_what_the_service_needs(shop: Shop) -> None:
    version, kept = shop.versions[0], _kept(shop)
    [evaluation] = (shop.home / "artifacts" / "RetrievalEvaluator" / "evaluation").glob("*/evaluation.json")
    measured, document = EvaluationReport.read(evaluation.parent), ServiceData.read(version)
    assert document == ServiceData(
        items=ITEMS,
        features={"genres": "category"},
        is_timed=True,
        histories=Histories(users=len(kept), max_items=MAX_HISTORY),
        metrics={name: contender.metrics for name, contender in measured.contenders.items()},
        decision=measured.decision,
    )
    histories = pq.read_table(version / HISTORIES_FILE).to_pylist()
    assert {row["user_id"]: list(zip(row["time"], row["item_id"], strict=True)) for row in histories} == {
        user: [(time, item) for time, _, _, item in of_user[-MAX_HISTORY:]] for user, of_user in kept.items()
    }
    assert max(map(len, kept.values())) > MAX_HISTORY == max(len(row["item_id"]) for row in histories)
    assert {weight for row in histories for weight in row["weight"]} == {1.0}

    # The item that the user met last is held out, if there is another one.
    held_out = {(user, max(of_user, key=lambda one: one[2])[3]) for user, of_user in kept.items() if len(of_user) > 1}
    trained = Counter(item for user, of_user in kept.items() for *_, item in of_user if (user, item) not in held_out)
    times = defaultdict(list)
    for of_user in kept.values():
        for time, *_, item in of_user:
            times[item].append(time)
    with (shop.folder / "items.csv").open(newline="") as file:
        catalogue = list(DictReader(file))
    items = pq.read_table(version / ITEMS_FILE).to_pylist()
    assert [(row["item_id"], row["title"], row["feature:genres"]) for row in items] == [
        (row["item_id"], row["title"], [row["genres"]]) for row in catalogue
    ]
    assert {row["item_id"]: row["count"] for row in items} == {row["item_id"]: trained[row["item_id"]] for row in items}
    assert {row["item_id"]: row["last_time"] for row in items} == {
        row["item_id"]: max(times[row["item_id"]], default=None) for row in items
    }


PLAIN_TENSORFLOW = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
one = tf.constant([1], tf.int64)
total = int(model.signatures["catalogue"](offset=one, limit=one)["total"][0])
example = tf.train.Example(features=tf.train.Features(feature={
    "item_id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"b1", b"b2"]))}))
answer = model.signatures["serving_default"](examples=tf.constant([example.SerializeToString()]))
ours = {"documents", "configs", "transforms", "serving_signatures", "trainer", "pipeline", "tfx"}
ours.add("tensorflow_recommenders")
print(json.dumps({
    "signatures": sorted(model.signatures), "total": total, "loaded": sorted(ours & set(sys.modules)),
    "items": [item.decode() for item in answer["item_id"].numpy()[0]],
}))
"""


def test_pushed_model_answers_in_a_process_without_our_code(shop: Shop, tmp_path: Path) -> None:
    # A folder that holds TensorFlow and nothing of ours; -I leaves out the current folder and PYTHONPATH.
    done = subprocess.run(
        [sys.executable, "-I", "-c", PLAIN_TENSORFLOW, str(shop.versions[0])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer["signatures"]) == SIGNATURES
    assert answer["total"] == ITEMS
    assert answer["loaded"] == []
    assert len(set(answer["items"])) == 10
    assert not {"b1", "b2"} & set(answer["items"])


def test_signatures_page_calls_every_signature() -> None:
    code = "\n".join(fences(ROOT / "docs/signatures.md", "python"))
    assert {name for name in SIGNATURES if f'ask["{name}"]' in code} == SIGNATURES


ON_A_MODEL = [
    guide for guide in GUIDES if fences(guide, "python") and guide.name not in ("models.md", "service-clients.md")
]
"""Not the page of clients, which ask a running service: tests/service/api/test_documentation.py has it. Not that of
models, which adds a kind: tests/docs/test_added_kind.py has it."""


@pytest.mark.parametrize("document", ON_A_MODEL, ids=name)
def test_python_of_a_document_runs_on_a_pushed_model(shop: Shop, tmp_path: Path, document: Path) -> None:
    code = "\n".join(fences(document, "python"))
    assert "runs/movielens-100k/serving" in code
    calls = tmp_path / "calls.py"
    calls.write_text(code.replace("runs/movielens-100k/serving", str(shop.home / "serving")))
    done = subprocess.run([sys.executable, "-I", str(calls)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _json(done: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def test_perennial_similar_by_title_and_by_id_equal(shop: Shop) -> None:
    by_title = _json(shop.forked("perennial", "similar", "title 7", "-k", "3", "--json"))
    by_id = _json(shop.forked("perennial", "similar", "b7", "-k", "3", "--json"))
    assert by_title == by_id
    assert len(by_id) == 3
    assert "b7" not in {answer["item_id"] for answer in by_id}


def test_perennial_similar_part_of_several_titles_lists_them(shop: Shop) -> None:
    done = shop.forked("perennial", "similar", "itle 14")
    assert done.returncode == 1
    assert "b149 (Title 149)" in done.stderr
    assert "and 3 more" in done.stderr  # of b14 and b140 to b149


def test_perennial_recommend_history_left_out_and_sorted(shop: Shop) -> None:
    answers = _json(shop.run("perennial", "recommend", "--history", "b1,Title 2", "-k", "5", "--json"))
    scores = [answer["score"] for answer in answers]
    assert len(answers) == 5
    assert scores == sorted(scores, reverse=True)
    assert not {"b1", "b2"} & {answer["item_id"] for answer in answers}


def test_perennial_similar_unknown_item_refused_without_traceback(shop: Shop) -> None:
    done = shop.forked("perennial", "similar", "no such book")
    assert done.returncode == 1
    assert "ModelError" in done.stderr
    assert "'no such book'" in done.stderr
    assert "Traceback" not in done.stderr


def test_perennial_recommend_stranger_without_history_refused(shop: Shop) -> None:
    done = shop.forked("perennial", "recommend", "--user", "stranger")
    assert done.returncode == 1
    assert "'stranger'" in done.stderr


def test_tfx_run_config_of_another_pipeline_refused(shop: Shop) -> None:
    # Without the variable the runner would take its default pipeline.
    # In processes of their own: the runner looks at its parent's arguments, and a fork's parent is the server.
    done = shop.run("tfx", "run", "create", "--engine=local", "--pipeline_name=shop", config=False)
    assert done.returncode != 0
    assert "names the pipeline 'shop'" in done.stderr + done.stdout


def test_second_run_same_input_hands_the_model_on_then_new_rows_are_learned(shop: Shop) -> None:
    again = shop.forked("perennial", "run", "--config", str(shop.config))
    assert again.returncode == 0, again.stderr
    assert "InteractionGen\n    from the cache" in again.stdout
    assert "InteractionTransform\n    from the cache" in again.stdout
    # Its base model is new to it, so that the cache cannot answer; but there is nothing to learn.
    assert "this run uses the base model again" in again.stdout
    assert "is already live" in again.stdout
    assert len(shop.versions) == 1
    assert f"<h1>Already served as version {shop.versions[0].name}</h1>" in _page(shop, 2)
    assert "Nothing has changed since the last blessed model" in _page(shop, 2)

    (part,) = (shop.folder / "interactions").iterdir()
    part.write_text(part.read_text() + '"1","b3",5,1699999999\n')
    fresh = shop.forked("perennial", "run", "--config", str(shop.config))
    assert fresh.returncode == 0, fresh.stderr
    assert "InteractionGen\n    from the cache" not in fresh.stdout
    assert "warm start: " in fresh.stdout
    assert len(shop.versions) == 2


def test_run_without_a_catalogue_pushed_and_ids_stand_for_titles(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    values = yaml.safe_load(shop.config.read_text())
    del values["catalogue"]
    shop.config.write_text(yaml.safe_dump(values))
    done = shop.forked("perennial", "run", "--config", str(shop.config))
    assert done.returncode == 0, done.stdout + done.stderr
    (version,) = shop.versions
    page = _page(shop, 1)
    assert f"<h1>Pushed as version {version.name}</h1>" in page
    assert f"{ITEMS} items, {ITEMS} of them known from the log only." in page
    answers = _json(shop.forked("perennial", "similar", "b7", "-k", "3", "--json"))
    assert [answer["title"] for answer in answers] == [answer["item_id"] for answer in answers]


def test_run_log_missing_one_clear_error_and_nothing_pushed(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for part in (shop.folder / "interactions").iterdir():
        part.unlink()
    done = shop.forked("perennial", "run", "--config", str(shop.config))
    assert done.returncode == 1
    assert "DataError" in done.stderr
    assert "part-*.csv" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (shop.home / "serving").exists()
    page = _page(shop, 1)
    assert "<h1>Failed in InteractionGen</h1>" in page
    assert "part-*.csv" in page


def test_run_data_outside_the_curated_schema_stopped_before_training(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    curated = tmp_path / "schemas" / "shop" / "interactions.pbtxt"
    curated.parent.mkdir(parents=True)
    names = {"user_id": "BYTES", "item_id": "BYTES", "value": "FLOAT", "timestamp": "INT"}
    names |= {"target_item_id": "BYTES", "target_value": "FLOAT", "target_timestamp": "INT"}
    features = [f'feature {{ name: "{name}" type: {kind} }}' for name, kind in names.items()]
    features[2] = 'feature { name: "value" type: FLOAT float_domain { max: 4.5 } }'
    curated.write_text("\n".join(features))
    done = shop.forked("perennial", "run", "--config", str(shop.config))
    assert done.returncode == 1
    assert "AnomalyError" in done.stderr
    assert "interactions/train value:" in done.stderr
    assert "Trainer" not in done.stdout
    assert not (shop.home / "serving").exists()
    assert "<h1>Failed in DataGate</h1>" in _page(shop, 1)


@pytest.mark.parametrize("engine", ["local", "vertex"])
def test_tfx_pipeline_compile_from_a_clean_shell(engine: str, tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    runner = {"local": "local_runner.py", "vertex": "kubeflow_v2_runner.py"}[engine]
    if engine == "vertex":
        values = yaml.safe_load(shop.config.read_text())
        values["log"]["path"] = values["catalogue"]["path"] = "gs://example-bucket/log.csv"
        values["vertex"] = {
            "project": "example-project",
            "region": "europe-west4",
            "pipeline_root": "gs://example-bucket/root",
            "data_dir": "gs://example-bucket/data",
            "serving_dir": "gs://example-bucket/serving",
            "image": "example/perennial:1",
        }
        shop.config.write_text(yaml.safe_dump(values))
    done = shop.forked("tfx", "pipeline", "compile", f"--engine={engine}", f"--pipeline_path={ROOT / runner}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "compiled successfully" in done.stdout
    assert (shop.folder / "pipeline.json").exists() == (engine == "vertex")
