"""Networks that read a picture row by row."""

from __future__ import annotations

import keras
from keras import layers

from normwise.data import Dataset
from normwise.studies.models.parts import as_rows, classes, stack

__all__ = ["sequence", "sequence_gru"]


def sequence(dataset: Dataset) -> keras.Model:
    """An LSTM of 32 units that reads a picture row by row."""
    return stack(dataset, *as_rows(dataset), layers.LSTM(32), classes(dataset))


def sequence_gru(dataset: Dataset) -> keras.Model:
    """Two bidirectional GRUs of 2 × 16 units that read a picture row by row."""
    return stack(
        dataset,
        *as_rows(dataset),
        layers.Bidirectional(layers.GRU(16, return_sequences=True)),
        layers.Bidirectional(layers.GRU(16)),
        classes(dataset),
    )
