"""Which call feeds which: what stands in a layer's call is the reference."""

import keras
import pytest
from keras import layers

from normwise.models.graph import Graph


def several_at_once():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    return keras.Model([a, b], layers.Add(name="end")([a, b])), ["a", "b"]


def by_keyword():
    a, b, c = (keras.Input((5, 3), name=name) for name in "abc")
    attention = layers.MultiHeadAttention(1, 2, name="end")
    return keras.Model([a, b, c], attention(a, value=b, key=c)), ["a", "b", "c"]


def beside_a_mask_of_its_own():
    a, b = keras.Input((5, 3), name="a"), keras.Input((5, 3), name="b")
    mask = keras.Input((5, 5), dtype="bool", name="mask")
    attention = layers.MultiHeadAttention(1, 2, name="end")
    return keras.Model([a, b, mask], attention(a, value=b, attention_mask=mask)), ["a", "b"]


def behind_a_layer_that_makes_masks():
    tokens = keras.Input((5,))
    words = layers.Embedding(9, 2, mask_zero=True, name="words")(tokens)
    return keras.Model(tokens, layers.GRU(2, name="end")(words)), ["words"]


MADE = [several_at_once, by_keyword, beside_a_mask_of_its_own, behind_a_layer_that_makes_masks]


@pytest.mark.parametrize("made", MADE)
def test_a_call_is_fed_by_what_it_takes_as_data_however_it_is_handed_over(made):
    model, names = made()
    graph = Graph(model)
    end = graph.calls[-1]
    assert end.operation.name == "end"
    assert [source.operation.name for source in graph.sources(end)] == names
    assert all(graph.consumers(source) == [end] for source in graph.sources(end))
