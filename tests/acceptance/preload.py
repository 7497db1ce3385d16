"""What commands import, so that a process forked from one that has this need not (see `tests.forks`)."""

import matplotlib.figure  # noqa: F401
import sklearn.metrics  # noqa: F401  (transformers does where it is there)

import models.candidates
import models.finetune  # noqa: F401
from models.load import BUNDLED, bundled_folder, load_model

if bundled_folder().is_dir():
    load_model(BUNDLED)  # what it imports on the way
