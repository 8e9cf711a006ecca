#!/usr/bin/env python3
"""Fetch the style sheet that pages are built on, and make it our own: run by hand, the result is committed.

`npm pack` brings the package; its digest is checked. Fonts, icons and brand colors that belong to
others are taken out, so that nothing is loaded from elsewhere and nobody takes us for somebody else.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "nhsuk-frontend"
VERSION = "10.6.1"
SHA256 = "1af037bcb75237c4208809d3ac9a06522ccf61b2268221268ead3985bceb060b"
STYLE_SHEET = "package/dist/nhsuk/nhsuk-frontend.min.css"
TARGET = Path(__file__).resolve().parent.parent / "pathway" / "static" / "vendor"

FONT = "system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,Arial,sans-serif"
# Their blues and button greens become our teals; the meaning of red, yellow and grey stays.
COLORS = {
    "#005eb8": "#0b5563",
    "#002f5c": "#052d35",
    "#003087": "#052d35",
    "#004b93": "#094753",
    "#0055a6": "#0a4e5b",
    "#003d78": "#073943",
    "#004281": "#073943",
    "#337ec6": "#3c7783",
    "#c7dcef": "#c5dde1",
    "#d9e7f4": "#dcebee",
    "#ccdff1": "#cfe2e6",
    "#007f3b": "#0b6b57",
    "#00662f": "#095a49",
    "#00401e": "#063d32",
    "#004c23": "#074638",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder, check=True)
        archive = Path(folder) / f"{PACKAGE}-{VERSION}.tgz"
        if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
            raise SystemExit(f"{archive.name} is not the file that was looked at: its digest differs")
        with tarfile.open(archive) as opened:
            member = opened.extractfile(STYLE_SHEET)
            if member is None:
                raise SystemExit(f"{archive.name} has no {STYLE_SHEET}")
            text = member.read().decode()
    TARGET.mkdir(parents=True, exist_ok=True)
    header = f"/* {PACKAGE} {VERSION}, MIT License, changed by scripts/vendor.py: fonts, icons, colors. */\n"
    (TARGET / f"{PACKAGE}.css").write_text(header + made_ours(text), encoding="utf-8")


def made_ours(text: str) -> str:
    """Without fonts, icons and addresses of others, in our colors."""
    text = re.sub(r"@font-face\{[^}]*\}", "", text)
    text = re.sub(r"Frutiger W01,\s*arial,\s*sans-serif", FONT, text, flags=re.IGNORECASE)
    text = re.sub(r"url\(/assets/[^)]*\)", "none", text)
    text = text.replace('@charset "UTF-8";', "")  # holds only as the very first thing; ours is a comment
    text = re.sub(r"/\*# sourceMappingURL=[^*]*\*/", "", text)
    for theirs, our in COLORS.items():
        text = text.replace(theirs, our)
    for unwanted in ("Frutiger", "assets.nhs", "@font-face", "sourceMappingURL"):
        if unwanted in text:
            raise SystemExit(f"{unwanted} is still in the style sheet")
    return text


if __name__ == "__main__":
    main()
