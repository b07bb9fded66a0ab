"""How well each method does on a collection: edited copies, pictures held out, labelled groups."""

from lookalike.evaluate.result import Evaluation
from lookalike.evaluate.run import Progress, evaluate

__all__ = ["Evaluation", "Progress", "evaluate"]
