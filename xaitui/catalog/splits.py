"""Names of the splits of a dataset."""

SPLITS = ("train", "val", "test")
PREDICTED = ("test", "val")
"""Splits that a run predicts by itself, in the order in which they are offered."""
OFFERED = (*PREDICTED, "train")
"""All splits, in the order in which images are offered for evaluation and explanation."""
