"""How good a network is on labeled examples."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.training.evaluation.judged import Judged
from zoo.training.evaluation.report import write_report

if TYPE_CHECKING:
    from zoo.inference.network import Network
    from zoo.training.data.dataset import Dataset


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Judged):
    """How good a network is on labeled examples; made by `zoo.evaluate`."""

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        data: Dataset | None = None,
        network: Network | None = None,
    ) -> None:
        """Write an HTML page, see `zoo.training.evaluation.report.write_report`."""
        write_report(self, path, data=data, network=network)
