"""Hashes of files and folders."""

import hashlib
from pathlib import Path


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Hash of a file; of a folder, the hash of its sorted lines ``name, two spaces, hash``."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        lines = (f"{file.relative_to(path).as_posix()}  {digest(file, algorithm)}\n" for file in files)
        return hashlib.new(algorithm, "".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def stamp(path: Path) -> list[int]:
    """Size and time of the last change of a file, as JSON keeps them; a file is hashed when they change."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
