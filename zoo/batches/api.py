"""Run a task on many files, and keep the results in a folder (`zoo.batch`)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from zoo.batches.configuration import make_settings
from zoo.batches.folder import failed_numbers
from zoo.batches.options import TaskKeywords
from zoo.batches.plan import Plan, make_plan
from zoo.batches.report import BatchReport, ProgressCallback
from zoo.batches.run import Crew, EmbeddedExecutor, Executor, run_plan
from zoo.batches.sources import Source
from zoo.batches.workers import Limits
from zoo.core.errors import InputError, reason
from zoo.core.machine import available_processors
from zoo.core.validation import count, number

MAX_SECONDS = {"image": 30.0, "audio": 600.0}
MAX_GIGABYTES = 4.0


def batch(
    sources: Source | Sequence[Source],
    *,
    task: str,
    network: str | Sequence[str],
    out: str | os.PathLike[str],
    device: str = "auto",
    engine: str = "auto",
    trust: bool = False,
    workers: int | None = None,
    cluster: str | None = None,
    shard: str | None = None,
    shard_files: int | None = None,
    max_seconds: float | None = None,
    max_gigabytes: float = MAX_GIGABYTES,
    retry: bool = False,
    plan: bool = False,
    dry_run: bool = False,
    progress: ProgressCallback | None = None,
    **options: Unpack[TaskKeywords],
) -> BatchReport:
    """Run a task on many files, and keep the results in a folder; do only what is not done yet.

    Parameters
    ----------
    sources : str, path, or a list of these
        Files, folders, patterns, tables with a column ``file`` or ``path``, archives, URLs, or ``"-"``; see
        `zoo.batches.sources.list_files`. The folder is about the files that they hold now.
    task : {"classify", "embed", "events", "pitch"}
    network : str, or a list of str
        Several, of one modality, share the decoded files.
    out : path
        The folder: a new one, or that of a run before with the same settings.
    device, engine, trust
        As of `zoo.load`; ``"auto"``: every GPU of this machine, else the processor; on a cluster, what each
        worker has.
    workers : int, optional
        Processes; by default one a GPU, or one a core.
    cluster : str, optional
        Address of a Dask scheduler whose workers do the work, ``dask://host:port`` or ``dask+tls://host:port``;
        by default that in the environment variable ``ZOO_CLUSTER``, and ``""`` is this machine. The cluster
        must be your own: it runs what it is sent, and so does this process (``docs/cluster.md``).
    shard : str, optional
        ``"3/64"``: the third of 64 parts of the work, for job arrays on one folder. A manifest that is there
        is taken as it is.
    shard_files : int, optional
        Files in a shard; fixed by the first run.
    max_seconds : float, optional
        Limit of time for a file, by default 30 for an image and 600 for a recording.
    max_gigabytes : float
        Limit of memory for a file, beside the networks.
    retry : bool
        Work again on files that failed before.
    plan : bool
        List the files and write the manifest only.
    dry_run : bool
        Write nothing, and return what would be done.
    progress : callable, optional
        Called with a `BatchProgress` whenever files are done, from several threads in turn.
    **options
        Of the task, as of the method of a network.

    Returns
    -------
    BatchReport

    Raises
    ------
    InputError
        If an option cannot be used, the sources hold no files, or the folder holds results of other settings
        or cannot be written.
    UnknownNameError, TrustError, WeightsError
        As of `zoo.load`.
    ClusterError
        If the cluster cannot be reached, or does not do the work.
    KeyboardInterrupt
        At Ctrl-C. The parts that are finished stay, and the same call goes on.
    """
    begin = time.monotonic()
    names = [network] if isinstance(network, str) else list(network)
    settings = make_settings(task, names, options, engine=engine, trust=trust)
    seconds = number("max_seconds", max_seconds or MAX_SECONDS[settings.modality], 0.1)
    limits = Limits(seconds, number("max_gigabytes", max_gigabytes, 0.01))
    executor = _executor(cluster, device, workers, limits, trust)
    todo = make_plan(
        sources,
        settings,
        Path(out),
        shard=shard,
        shard_files=shard_files,
        retry=retry,
        write=not dry_run,
    )
    if dry_run:
        return replace(_report(todo, executor.estimate(todo)), dry_run=True)
    if not plan:
        try:
            run_plan(todo, executor, progress)
        except OSError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"The folder {out} cannot be written: {reason(error)}.") from error
    return _report(todo, time.monotonic() - begin)


def _executor(cluster: str | None, device: str, workers: int | None, limits: Limits, trust: bool) -> Executor:
    """Choose where the work is done."""
    address = os.environ.get("ZOO_CLUSTER", "") if cluster is None else cluster
    if not address:
        return EmbeddedExecutor(_crew(device, workers, limits, trust))
    if workers is not None:
        raise InputError("workers counts processes of this machine; leave it out with a cluster.")
    from zoo.batches.cluster import ClusterExecutor

    return ClusterExecutor(address, limits, device=device, trust=trust)


def _crew(device: str, workers: int | None, limits: Limits, trust: bool) -> Crew:
    """Choose a device for each worker."""
    import torch

    cores = available_processors()
    if device == "auto" and torch.cuda.is_available():
        devices = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    else:
        devices = ["cpu" if device == "auto" else device]
    default = len(devices) if devices[0] != "cpu" else cores
    total = default if workers is None else count("workers", workers)
    chosen = tuple(devices[i % len(devices)] for i in range(total))
    return Crew(chosen, max(1, cores // total), limits, trust)


def _report(plan: Plan, seconds: float | None) -> BatchReport:
    left = plan.count(plan.missing())
    return BatchReport(
        folder=plan.folder,
        files=len(plan.manifest),
        new=plan.changes.new,
        changed=plan.changes.changed,
        gone=plan.changes.gone,
        done=plan.count(plan.shards) - left,
        left=left,
        failed=len(failed_numbers(plan.folder, plan.settings, plan.manifest)),
        seconds=seconds,
    )
