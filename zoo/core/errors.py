"""What can go wrong, by kind. Every message is one sentence that a user can act on."""


class ZooError(Exception):
    """Anything that the zoo refuses to do, explained in one sentence."""


class UnknownNameError(ZooError, LookupError):
    """A network, layer, class or sample that does not exist; the message names the closest ones."""


class InputError(ZooError, ValueError):
    """A picture, sound or option that cannot be used."""


class WeightsError(ZooError, OSError):
    """Weights that cannot be fetched, read, verified or kept."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class CatalogError(ZooError, ValueError):
    """A record of a catalog that is incomplete or contradicts itself."""


class EngineError(ZooError, RuntimeError):
    """An engine that cannot run a network."""


class MissingLibraryError(ZooError, ImportError):
    """A library that is not installed; the message names the extra that installs it."""


class WorkerError(ZooError, RuntimeError):
    """A helper process that ended or failed."""


class WorkerTimeoutError(WorkerError):
    """A helper process that passed its time limit and was killed."""


class WorkerMemoryError(WorkerError):
    """A helper process that passed its memory limit and was killed."""


class ClusterError(ZooError, RuntimeError):
    """A cluster that cannot be reached, or does not do the work."""


class TrustError(ZooError):
    """A program by a stranger, which runs only if the user trusts it."""


class SandboxError(ZooError, RuntimeError):
    """A sandbox that this machine does not have, or that a process cannot enter."""


def reason(error: BaseException) -> str:
    """Return the shortest reason: the operating system's own words, else the error's first line."""
    text = getattr(error, "strerror", None) or str(error).strip().splitlines()[:1]
    return (text if isinstance(text, str) else "".join(text)).rstrip(".") or type(error).__name__
