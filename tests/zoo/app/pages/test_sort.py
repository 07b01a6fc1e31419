"""The page Sort without a batch; with one, `tests/browser/test_sort.py` drives it."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

import zoo
from zoo.app.services import offered_batches

PAGE = Path(zoo.__file__).parent / "app" / "pages" / "sort.py"


def test_without_a_batch_it_says_how_to_make_one(monkeypatch):
    monkeypatch.delenv(offered_batches.VARIABLE, raising=False)
    app = AppTest.from_file(str(PAGE), default_timeout=200).run()
    assert not app.exception
    (info,) = app.info
    assert "`zoo batch photos/ --task embed --network efficientnet_lite0 --out sorted`" in info.value
    assert "`ZOO_APP_BATCHES=sorted zoo app`" in info.value
