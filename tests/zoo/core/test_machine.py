"""What is said of the machine is so."""

import os
import subprocess
import sys

import pytest
import torch

from zoo.core.machine import available_processors, machine, processor


def test_the_machine_is_this_one():
    here = machine()
    assert here.gpu == torch.cuda.is_available()
    assert here.device == (torch.cuda.get_device_name() if here.gpu else processor())
    assert 1 <= here.cores <= os.cpu_count()
    assert 0 < here.free_gb < here.memory_gb


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process to processors")
def test_a_process_pinned_to_one_processor_has_one_available():
    code = (
        "from zoo.core.machine import available_processors\n"
        "from zoo.vision import decoding_worker\n"
        "print(available_processors(), decoding_worker.WORKERS)\n"
    )
    one = min(os.sched_getaffinity(0))
    process = subprocess.run(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{one}}})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.split() == ["1", "1"]
    assert available_processors() == len(os.sched_getaffinity(0))
