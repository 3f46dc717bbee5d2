"""Draws examples/ocr/sign.png, the picture of the demo: lines of text in several sizes on a plain ground."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

LINES = [
    (40, 30, 52, "MACE finds this line", (20, 40, 90)),
    (60, 120, 34, "and a smaller one below it", (120, 20, 20)),
    (420, 200, 28, "Open daily 9 to 17", (10, 80, 30)),
    (50, 270, 44, "TRACK 12  ->  Exit", (30, 30, 30)),
    (80, 360, 24, "Mind the gap between the train and the platform", (60, 60, 120)),
]


def main() -> None:
    picture = Image.new("RGB", (800, 420), (236, 232, 220))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((400, 185, 700, 245), fill=(250, 250, 250), outline=(10, 80, 30), width=3)
    for x, y, size, text, colour in LINES:
        draw.text((x, y), text, fill=colour, font=ImageFont.load_default(size))
    picture.save(Path(__file__).parent / "sign.png", optimize=True)


if __name__ == "__main__":
    main()
