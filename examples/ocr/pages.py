"""Pages of text that are drawn, so that the truth is known: words from words.txt, some in capitals, numbers, punctuation."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WORDS = Path(__file__).with_name("words.txt").read_text().split()


def make_words(count: int, seed: int) -> list[str]:
    """`count` words: lower case, Capitalised, CAPITALS, numbers, some with a punctuation mark behind them."""
    draw = random.Random(seed)
    words = []
    for _ in range(count):
        kind = draw.random()
        if kind < 0.12:
            word = draw.choice(
                [
                    str(draw.randint(0, 9999)),
                    f"{draw.randint(0, 23)}:{draw.randint(0, 59):02}",
                    f"{draw.randint(1, 99)}.{draw.randint(0, 9)}",
                ]
            )
        else:
            word = draw.choice(WORDS)
            word = word.upper() if kind < 0.18 else word.capitalize() if kind < 0.36 else word
        mark = draw.random()
        words.append(word + ("," if mark < 0.08 else "." if mark < 0.14 else "?" if mark < 0.15 else "!" if mark < 0.16 else ""))
    return words


def draw_page(
    words: list[str], font_size: int = 26, width: int = 1200, margin: int = 60, line_height: float = 1.6
) -> tuple[Image.Image, list[str]]:
    """A white page with the words in lines as wide as fit; and the lines."""
    font = ImageFont.load_default(font_size)
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width - 2 * margin:
            lines[-1] = longer
        else:
            lines.append(word)
    step = round(font_size * line_height)
    page = Image.new("RGB", (width, 2 * margin + step * len(lines)), (252, 251, 248))
    draw = ImageDraw.Draw(page)
    for i, line in enumerate(lines):
        draw.text((margin, margin + i * step), line, fill=(25, 25, 30), font=font)
    return page, lines
