"""Builds the catalogue graph: ids to places, text to tokens, categories to vocabularies, numbers to buckets."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from pydantic import TypeAdapter

from configs.content_features import CategoryFeature, ContentFeatures, Feature, NumberFeature, TextFeature
from transforms import features
from transforms.interactions import first

_CONTENT: TypeAdapter[ContentFeatures] = TypeAdapter(ContentFeatures)


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, Any]:
    """Maps raw catalogue Examples to places and content indices.

    Args:
        inputs: Raw features, each a SparseTensor `[batch, n]`.
        custom_config: `features`: the catalogue config's content features by name, as JSON values.

    Returns:
        `item_id` and `title` string `[batch]`, `catalogue_index` int64 `[batch]`, and for each content feature
        `content_<name>`, an int64 SparseTensor `[batch, n]`.

    Raises:
        KeyError: The catalogue's schema lacks a content feature.
    """
    item_id = first(inputs[features.ITEM_ID])
    outputs = {
        features.ITEM_ID: item_id,
        features.TITLE: first(inputs[features.TITLE]),
        features.CATALOGUE_INDEX: tft.compute_and_apply_vocabulary(
            item_id, vocab_filename=features.CATALOGUE_VOCABULARY
        ),
    }
    for name, feature in _CONTENT.validate_python(custom_config["features"]).items():
        outputs[features.content_index(name)] = _indices(name, feature, inputs[name])
    return outputs


def content_sizes(graph: tft.TFTransformOutput, content: Mapping[str, Feature]) -> dict[str, int]:
    """The number of indices of each content feature.

    Args:
        graph: The catalogue's transform graph.
        content: The content features that the graph was made with, by name.

    Returns:
        Feature name to number of indices; every index is below this number.
    """
    return {
        name: feature.buckets
        if isinstance(feature, NumberFeature)
        else graph.vocabulary_size_by_name(features.content_vocabulary(name))
        for name, feature in content.items()
    }


def content_vocabularies(graph: tft.TFTransformOutput, content: Mapping[str, Feature]) -> dict[str, list[bytes]]:
    """The vocabularies of text and categories: what their indices mean.

    Args:
        graph: The catalogue's transform graph.
        content: As in `content_sizes`.

    Returns:
        Feature name to its entries, in the order of their indices; features without a vocabulary are left out.
    """
    return {
        name: graph.vocabulary_by_name(features.content_vocabulary(name))
        for name, feature in content.items()
        if not isinstance(feature, NumberFeature)
    }


def _indices(name: str, feature: Feature, values: Any) -> Any:
    if isinstance(feature, NumberFeature):
        return tft.bucketize(values, num_buckets=feature.buckets)
    tokens = text_tokens(first(values), feature.tokens) if isinstance(feature, TextFeature) else values
    assert isinstance(feature, (TextFeature, CategoryFeature))
    return tft.compute_and_apply_vocabulary(
        tokens, top_k=feature.max_vocabulary, vocab_filename=features.content_vocabulary(name)
    )


def text_tokens(text: Any, tokens: str) -> Any:
    """Cuts text into tokens.

    Args:
        text: String tensor `[batch]`, UTF-8.
        tokens: `words`, lower-cased runs of letters and digits of any script; or `char_trigrams` of those words
            with a space at each end, where shorter words stay whole.

    Returns:
        String SparseTensor `[batch, n]`.
    """
    lowered = tf.strings.lower(text, encoding="utf-8")
    spaced = tf.strings.strip(tf.strings.regex_replace(lowered, r"[^\p{L}\p{N}\p{M}]+", " "))
    if tokens == "words":
        return tf.strings.split(spaced).to_sparse()
    padded = tf.where(spaced == "", "", tf.strings.join([" ", spaced, " "]))
    letters = tf.strings.unicode_split(padded, "UTF-8")
    return tf.strings.ngrams(letters, 3, separator="").to_sparse()
