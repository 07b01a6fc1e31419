# The public names, for editors and type checkers; `zoo/__init__.py` loads them when they are used.

from zoo.benchmark.compare import Comparison as Comparison
from zoo.benchmark.compare import compare as compare
from zoo.core.errors import CatalogError as CatalogError
from zoo.core.errors import EngineError as EngineError
from zoo.core.errors import InputError as InputError
from zoo.core.errors import SandboxError as SandboxError
from zoo.core.errors import TrustError as TrustError
from zoo.core.errors import UnknownNameError as UnknownNameError
from zoo.core.errors import WeightsError as WeightsError
from zoo.core.errors import WorkerError as WorkerError
from zoo.core.errors import ZooError as ZooError
from zoo.core.spec import Spec as Spec
from zoo.exchange.onnx import export as export
from zoo.hub.registry import describe as describe
from zoo.hub.registry import networks as networks
from zoo.hub.samples import sample as sample
from zoo.hub.weights import fetch as fetch
from zoo.inference.api import classify as classify
from zoo.inference.api import embed as embed
from zoo.inference.api import explain as explain
from zoo.inference.api import pitch as pitch
from zoo.inference.api import sound_events as sound_events
from zoo.inference.load import load as load
from zoo.inference.network import Network as Network
from zoo.inference.streaming import Stream as Stream
from zoo.results import Classification as Classification
from zoo.results import Embedding as Embedding
from zoo.results import Explanation as Explanation
from zoo.results import Neighbors as Neighbors
from zoo.results import PitchTrack as PitchTrack
from zoo.results import Problem as Problem
from zoo.results import Projection as Projection
from zoo.results import Similarity as Similarity
from zoo.results import SoundEvent as SoundEvent
from zoo.results import SoundEvents as SoundEvents
from zoo.results import Summary as Summary
from zoo.training.advice.advice import Advice as Advice
from zoo.training.advice.advice import advise as advise
from zoo.training.data.dataset import Dataset as Dataset
from zoo.training.data.load import dataset as dataset
from zoo.training.evaluation.curves import Curves as Curves
from zoo.training.evaluation.evaluate import evaluate as evaluate
from zoo.training.evaluation.evaluation import Evaluation as Evaluation
from zoo.training.fit.transfer import transfer as transfer

__version__: str
