"""What all figures share: the color, and labels as text."""

import html

COLOR = "#3f9b6e"  # visible on white and on black


def shortened(label: str, most: int = 32) -> str:
    """Shorten a label to fit beside a figure."""
    return label if len(label) <= most else label[: most - 1] + "…"


def plain(text: str) -> str:
    """Escape a text for Plotly, which takes tags of HTML in texts for markup, links too."""
    return html.escape(text, quote=False)
