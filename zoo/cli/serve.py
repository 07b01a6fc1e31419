"""Commands that show what the zoo does: demo, app."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from zoo.app import settings
from zoo.cli.audio import pitch_summary
from zoo.cli.console import app
from zoo.core.errors import MissingLibraryError
from zoo.core.extras import require
from zoo.hub.registry import networks


@app.command()
def demo() -> None:
    """Run the bundled networks on a sample photo, recording, and melody."""
    from zoo.hub.samples import SAMPLES, sample
    from zoo.inference.api import classify as name_classes
    from zoo.inference.api import pitch as track_pitch
    from zoo.inference.api import sound_events

    typer.echo(f"{SAMPLES['cat.png'].title} ({SAMPLES['cat.png'].credit})")
    for network in networks("image", "classify", bundled=True):
        try:
            result = name_classes(sample("cat.png"), network=network, top=3)
        except MissingLibraryError as error:
            typer.echo(f"  {network}: {error}")
            continue
        best = zip(result.labels, result.scores, strict=True)
        typer.echo(f"  {network}: " + ", ".join(f"{label} {score:.0%}" for label, score in best))
    typer.echo(f"{SAMPLES['bicycle-bell.wav'].title} ({SAMPLES['bicycle-bell.wav'].credit})")
    ringing = sound_events(sample("bicycle-bell.wav"), network="yamnet", include=["Bicycle bell"])
    for event in ringing.events:
        typer.echo(
            f"  {ringing.network}: {event.label} {event.start:.1f} to {event.end:.1f} s, {event.score:.2f}"
        )
    typer.echo(f"{SAMPLES['melody.wav'].title} ({SAMPLES['melody.wav'].credit})")
    for network in networks("audio", "pitch", bundled=True):
        track = track_pitch(sample("melody.wav"), network=network)
        typer.echo(f"  {network}: {pitch_summary(track)}")


@app.command("app")
def serve(
    port: Annotated[int, typer.Option(help="Where to serve.", min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="On which address; 0.0.0.0 for all.")] = "localhost",
) -> None:
    """Serve the app in the browser."""
    require("streamlit")
    settings.check()  # here it is one sentence; in the server, a traceback
    script = Path(__file__).parent.parent / "app" / "asgi.py"
    flags = [f"--server.port={port}", f"--server.address={address}", "--server.headless=true"]
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(script), *flags]
    # Threads of PyTorch that wait for each other should sleep: many sessions share few cores.
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ}
    if os.name == "posix":
        os.execve(sys.executable, command, environment)  # signals reach the server itself
    raise typer.Exit(subprocess.call(command, env=environment))
