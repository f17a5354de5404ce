"""Pictures of every page at both widths: `make screenshots`. Of this stack's lake, or of the tests' own while that has no figures.

`python -m lakehouse_assets_tests.dashboard.screenshots FOLDER [IMAGES]`: with IMAGES also the small ones of the README.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.progress.freshness import stands
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.dashboard import lake
from lakehouse_assets_tests.dashboard.browser import WIDTHS, go, opened, served, settled, visit

PAGES = {
    "visao-geral": "Visão geral",
    "condominio": "Condomínio",
    "transacoes": "Transações",
    "qualidade": "Qualidade",
    "plataforma": "Plataforma",
}
_HEIGHT = "document.querySelector('.stMainBlockContainer').getBoundingClientRect().height"
# name -> picture, the part of it that is kept, and the width it is shown at
_README = {
    "page-overview": ("visao-geral-1280", 900, 900),
    "page-transactions": ("transacoes-1280", 1000, 900),
    "page-telephone": ("condominio-390", 844, 390),
}


def main(folder: Path, images: Path | None) -> None:
    """Write the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        words = {name: value for name, value in os.environ.items() if name.startswith("LAKEHOUSE_")}
        root = load_settings().lake
        if not root.is_dir() or not stands(LakePaths(root), "refined"):
            root = lake.make(Path(temporary) / "lake").root
        with served(words | {"LAKEHOUSE_LAKE": str(root)}, Path(temporary) / "log") as url, opened() as browser:
            for width in WIDTHS:
                with visit(browser, width) as (page, _):
                    page.goto(url)
                    settled(page, "Visão geral")
                    for name, title in PAGES.items():
                        go(page, title)
                        _shoot(page, width, folder / f"{name}-{width}.png")
    for name, (picture, height, width) in _README.items() if images else ():
        _small(folder / f"{picture}.png", height, width, Path(images or "") / f"{name}.png")


def _shoot(page: Page, width: int, target: Path) -> None:
    """The whole page, which scrolls inside Streamlit's frame, so the window is made as high as it is."""
    page.wait_for_timeout(1500)
    page.set_viewport_size({"width": width, "height": int(page.evaluate(_HEIGHT)) + 1})
    page.wait_for_timeout(700)
    page.screenshot(path=target)
    page.set_viewport_size({"width": width, "height": 900})
    print(f"wrote {target}")


def _small(picture: Path, height: int, width: int, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    whole = Image.open(picture).convert("RGB")
    part = whole.crop((0, 0, whole.width, min(height, whole.height)))
    shown = part.resize((width, round(part.height * width / part.width)), Image.Resampling.LANCZOS)
    shown.quantize(96, dither=Image.Dither.NONE).save(target, optimize=True)
    print(f"wrote {target}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
