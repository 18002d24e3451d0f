"""Defines the tests that every signature inherits. A subclass gives the inputs and the expected outputs."""

from typing import Any, ClassVar

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import numpy as np
import pytest
import tensorflow as tf

from serving_signatures.signature import Signature
from tests.serving_signatures.conftest import Served

KNOWN = "known"
UNKNOWN = "unknown"
EMPTY = "empty"
KINDS = (KNOWN, UNKNOWN, EMPTY)
"""Kinds of rows: ids that the model knows, ids that it does not know, and empty strings."""

TYPES = {"string": np.object_, "float32": np.float32, "bool": np.bool_, "int64": np.int64}


class SignatureConformance:
    """Tests for every signature.

    Attributes:
        signature: The signature under test.
        takes: Its inputs in the design's table: name to type and rank.
        gives: Its outputs in the same form.
    """

    signature: ClassVar[Signature]
    takes: ClassVar[dict[str, tuple[str, int]]]
    gives: ClassVar[dict[str, tuple[str, int]]]

    def rows(self, kind: str, n: int) -> dict[str, Any]:
        """Makes inputs of `n` rows of one kind."""
        raise NotImplementedError

    def expected(self, served: Served, inputs: dict[str, Any]) -> dict[str, Any]:
        """The oracle's outputs."""
        raise NotImplementedError

    def ask(self, served: Served, **inputs: Any) -> dict[str, np.ndarray]:
        """Runs the loaded model; checks the outputs against the declared types."""
        specs = self.signature.inputs
        tensors = {name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()}
        result = {
            name: output.numpy() for name, output in served.loaded.signatures[self.signature.name](**tensors).items()
        }
        assert {name: (value.dtype.type, value.ndim) for name, value in result.items()} == {
            name: (TYPES[kind], rank) for name, (kind, rank) in self.gives.items()
        }
        return result

    def check(self, served: Served, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
        """Runs the loaded model, and compares its outputs with the oracle's."""
        result = self.ask(served, **inputs)
        for name, value in self.expected(served, inputs).items():
            if result[name].dtype == np.float32:
                np.testing.assert_allclose(result[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
            else:
                np.testing.assert_array_equal(result[name], value, err_msg=name)
        return result

    def test_signature_inputs_are_those_of_the_design(self, served: Served) -> None:
        loaded = served.loaded.signatures[self.signature.name].structured_input_signature[1]
        assert {name: (spec.dtype.name, spec.shape.rank) for name, spec in loaded.items()} == self.takes
        assert all(spec.shape[0] is None for spec in loaded.values())

    def test_inputs_with_different_numbers_of_rows_are_refused(self, served: Served) -> None:
        rows = self.rows(KNOWN, 2)
        for name in rows if len(rows) > 1 else ():
            with pytest.raises(tf.errors.InvalidArgumentError, match="same number of rows, one for each query"):
                self.ask(served, **{**rows, name: rows[name][:1]})

    @pytest.mark.parametrize("n", [0, 1, 3])
    @pytest.mark.parametrize("kind", KINDS)
    def test_batch_any_ids_equals_the_oracle(self, served: Served, kind: str, n: int) -> None:
        result = self.check(served, self.rows(kind, n))
        assert all(len(value) == n for value in result.values())

    @pytest.mark.parametrize("kind", KINDS)
    def test_saved_and_loaded_equals_in_memory(self, served: Served, kind: str) -> None:
        inputs = self.rows(kind, 3)
        specs = self.signature.inputs
        tensors = {name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()}
        in_memory = self.signature.ask(served.retriever, **tensors)
        for name, value in self.ask(served, **inputs).items():
            np.testing.assert_array_equal(value, in_memory[name], err_msg=name)


class RankingConformance(SignatureConformance):
    """Tests for signatures that rank items and take a k."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("k", [[1, 1, 1], [7, 7, 7], [1000, 1000, 1000], [2, 5, 1], [1, 1000, 3], [27, 26, 28]])
    def test_each_row_gets_its_own_k_and_is_padded_to_the_widest(self, served: Served, kind: str, k: list[int]) -> None:
        result = self.check(served, {**self.rows(kind, 3), "k": k})
        assert result["item_id"].shape == result["score"].shape == (3, min(max(k), len(served.oracle.order)))
        for row, own in enumerate(k):
            assert not any(result["item_id"][row, own:])

    @pytest.mark.parametrize("kind", KINDS)
    def test_answer_is_sorted_and_repeats_nothing(self, served: Served, kind: str) -> None:
        result = self.ask(served, **{**self.rows(kind, 3), "k": [1000] * 3})
        place = {item: n for n, item in enumerate(served.oracle.order)}
        for items, scores in zip(result["item_id"], result["score"], strict=True):
            real = [item for item in items if item]
            assert len(set(real)) == len(real)
            assert not any(items[len(real) :])
            assert np.all(scores[len(real) :] == np.finfo(np.float32).min)
            assert np.all(scores[: len(real)] >= -1.0001)
            order = [(-score, place[item]) for item, score in zip(real, scores[: len(real)], strict=True)]
            assert order == sorted(order)

    @pytest.mark.parametrize("k", [[0, 5], [5, -1], [-(2**31), 1]])
    def test_k_below_one_in_any_row_is_refused(self, served: Served, k: list[int]) -> None:
        with pytest.raises(tf.errors.InvalidArgumentError, match="k must be 1 or more in every row"):
            self.ask(served, **{**self.rows(KNOWN, 2), "k": k})
