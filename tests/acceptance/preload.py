"""What commands import, so that a process forked from one that has this need not (see `tests.forks`)."""

from importlib import import_module

from models.load import BUNDLED, bundled_folder, load_model

for name in (
    "argtree.cli",
    "argtree.explorer",
    "argtree.loop_school",
    "matplotlib.figure",
    "models.candidates",
    "models.finetune",
    "sklearn.metrics",  # transformers does where it is there
):
    import_module(name)
if bundled_folder().is_dir():
    load_model(BUNDLED)  # what it imports on the way
