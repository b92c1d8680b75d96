from __future__ import annotations

import base64
import io
import json
import sys
from typing import Any

import pytest

from analyzer.errors import ScriptError

SCRIPT = "image_statistics.py"
COLUMNS = {
    "image_brightness",
    "image_bytes",
    "image_channels",
    "image_contrast",
    "image_height",
    "image_width",
}


@pytest.fixture
def _pillow() -> None:
    pytest.importorskip("PIL.Image", reason="Pillow is not installed (extra: images)")


needs_pillow = pytest.mark.usefixtures("_pillow")


def png(size: tuple[int, int] = (4, 2), colour: Any = (255, 255, 255), mode: str = "RGB") -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, "PNG")
    return file.getvalue()


def text(file: bytes) -> str:
    return base64.b64encode(file).decode()


def test_without_pillow_the_cure_is_named(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ScriptError, match=r"ImportError: image_statistics.py needs Pillow: .*pip install"):
        run(SCRIPT)


@needs_pillow
def test_an_image_as_the_request(run: Any, captured: Any) -> None:
    file = png()
    (row,) = run(SCRIPT)(captured(text(file), '{"label": 1}', encoding="BASE64"))
    assert row == {
        "image_brightness": 255.0,
        "image_bytes": len(file),
        "image_channels": 3,
        "image_contrast": 0.0,
        "image_height": 2,
        "image_width": 4,
    }


@needs_pillow
def test_contrast_and_brightness_of_half_black_half_white(run: Any) -> None:
    from PIL import Image

    image = Image.new("L", (2, 1), 0)
    image.putpixel((1, 0), 255)
    file = io.BytesIO()
    image.save(file, "PNG")
    (row,) = run(SCRIPT)({"image": text(file.getvalue()), "label": "cat"})
    assert (row["image_brightness"], row["image_contrast"], row["image_channels"]) == (127.5, 127.5, 1)


@needs_pillow
@pytest.mark.parametrize(("mode", "colour", "channels"), [("RGBA", (0, 0, 0, 0), 4), ("L", 7, 1), ("P", 1, 1)])
def test_channels(run: Any, mode: str, colour: Any, channels: int) -> None:
    (row,) = run(SCRIPT)({"image": text(png(mode=mode, colour=colour))})
    assert row["image_channels"] == channels


@needs_pillow
def test_several_images_in_json_and_data_urls(run: Any, captured: Any) -> None:
    images = [{"b64": text(png((3, 3)))}, {"b64": "data:image/png;base64," + text(png((5, 5)))}]
    rows = run(SCRIPT)(captured(json.dumps({"instances": images}), encoding="JSON"))
    assert [row["image_width"] for row in rows] == [3, 5]
    body = text(json.dumps({"instances": images}).encode())
    rows = run(SCRIPT)(captured(body, encoding="BASE64", content_type="application/json"))
    assert [row["image_width"] for row in rows] == [3, 5]


@needs_pillow
def test_wanted_fields_and_csv(run: Any, captured: Any) -> None:
    small, large = text(png((3, 3))), text(png((9, 9)))
    describe = run(SCRIPT, IMAGE_FIELDS="photo,1", HEADER_NAME="id")
    assert [row["image_width"] for row in describe({"thumb": small, "photo": large})] == [9]
    assert [row["image_width"] for row in describe(f"{small},{large}\n")] == [9]
    assert [row["image_width"] for row in describe(captured(f"7,{large}\n8,{small}\n"))] == [9, 3]
    assert describe("id,photo\n") == []


@needs_pillow
def test_a_broken_image_has_a_size_and_nothing_else(run: Any, captured: Any) -> None:
    for broken in (png((60, 60))[:40], b"no image at all"):
        (row,) = run(SCRIPT)(captured(text(broken), encoding="BASE64"))
        assert row == {**dict.fromkeys(COLUMNS), "image_bytes": len(broken)}


@needs_pillow
def test_no_image_is_missing_not_dropped(run: Any, captured: Any, golden: Any) -> None:
    describe = run(SCRIPT)
    assert describe(captured(None, "0.5")) == [dict.fromkeys(COLUMNS)]
    assert describe({"label": "cat"}) == [dict.fromkeys(COLUMNS)]
    assert describe(golden("capture.jsonl")[0]) == [dict.fromkeys(COLUMNS)]
