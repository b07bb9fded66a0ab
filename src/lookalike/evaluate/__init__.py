"""How well each method does on a collection: edited copies, pictures held out, labelled groups."""

from lookalike.evaluate.result import Evaluation
from lookalike.evaluate.run import evaluate
from lookalike.progress import Progress

__all__ = ["Evaluation", "Progress", "evaluate"]
