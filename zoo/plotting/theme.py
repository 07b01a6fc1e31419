"""What all figures and pages share: the colors, and labels and scores as text."""

import html

COLOR = "#3f9b6e"  # visible on white and on black
INK = "#000000"  # of texts on that color, on which white is too faint to read


def shortened(label: str, max_length: int = 32) -> str:
    """Shorten a label to fit beside a figure."""
    return label if len(label) <= max_length else label[: max_length - 1] + "…"


def percent(score: float) -> str:
    """Write a score from 0 to 1, for example ``"52.1%"``."""
    return f"{score:.1%}" if score >= 0.001 else "<0.1%"


def plain(text: str) -> str:
    """Escape a text for Plotly, which takes tags of HTML in texts for markup, links too."""
    return html.escape(text, quote=False)
