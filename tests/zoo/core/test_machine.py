"""What is said of the machine is so."""

import os

import torch

from zoo.core.machine import machine, processor


def test_the_machine_is_this_one():
    here = machine()
    assert here.gpu == torch.cuda.is_available()
    assert here.device == (torch.cuda.get_device_name() if here.gpu else processor())
    assert 1 <= here.cores <= os.cpu_count()
    assert 0 < here.free_gb < here.memory_gb
