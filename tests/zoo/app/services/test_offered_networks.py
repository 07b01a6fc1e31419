"""The networks that the app offers: the catalog's, those that its owner allows, and those of the session."""

import logging
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state
from zoo.app.components import input_picker
from zoo.app.services import offered_networks
from zoo.core.errors import UnknownNameError

PAGES = Path(zoo.__file__).parent / "app" / "pages"
TIMM = "timm:resnet18.a1_in1k"
FORBIDDEN = [
    "tfhub:/folder",
    "tfhub:owner/module/1",
    "hf:owner/repository",
    TIMM,
    "/folder",
    "yamnet",
    "",
    "x" * 100_000,
    7,
]


@pytest.fixture(autouse=True)
def nothing_described_before():
    offered_networks._described.cache_clear()
    yield
    offered_networks._described.cache_clear()


@pytest.mark.parametrize("name", FORBIDDEN)
@pytest.mark.parametrize(
    "lead", [offered_networks.spec_of, state.spec_of, state.network, state.title_of, state.is_here]
)
def test_nothing_is_looked_up_for_a_name_that_is_not_offered(lead, name, monkeypatch):
    monkeypatch.setattr(zoo, "describe", None)
    monkeypatch.setattr(zoo, "load", None)
    with pytest.raises(UnknownNameError, match=r"is not offered here; choose one of those shown\.$") as error:
        lead(name)
    assert len(str(error.value)) < 150


def test_by_default_the_catalog_is_offered():
    assert list(offered_networks.records()) == offered_networks.networks() == zoo.networks()
    assert offered_networks.spec_of("yamnet.audioset") == zoo.describe("yamnet")


def test_the_owner_allows_more(monkeypatch):
    monkeypatch.setenv(offered_networks.VARIABLE, f" {TIMM}, yamnet,")
    assert offered_networks.networks() == [*zoo.networks(), TIMM]  # yamnet is in the catalog
    assert offered_networks.networks("image", "classify")[-1] == TIMM
    assert TIMM not in offered_networks.networks("audio")
    assert TIMM not in offered_networks.networks("image", bundled=True)
    assert offered_networks.spec_of(TIMM) == zoo.describe(TIMM)
    assert input_picker.linked_network(TIMM.upper(), offered_networks.networks()) == TIMM
    with pytest.raises(UnknownNameError, match="not offered"):
        offered_networks.spec_of("timm:resnet34.a1_in1k")


def test_a_saved_network_of_the_owner_is_offered_and_loaded(monkeypatch, tmp_path):
    folder = zoo.load("squeezenet", weights=None, device="cpu").save(tmp_path / "own")
    monkeypatch.setenv(offered_networks.VARIABLE, str(folder))
    monkeypatch.setattr(state, "_load", state._load.__wrapped__)
    assert state.with_size([str(folder)]) == {str(folder): f"{zoo.describe('squeezenet').title} ✓"}
    assert state.network(str(folder)).spec.title == zoo.describe("squeezenet").title


def test_a_name_that_does_not_exist_is_logged_in_one_sentence(monkeypatch, caplog, tmp_path):
    monkeypatch.setenv(offered_networks.VARIABLE, f"nonsense,timm:nonsense,hf:{tmp_path},{TIMM}")
    with caplog.at_level(logging.WARNING, "zoo"):
        assert offered_networks.networks() == [*zoo.networks(), TIMM]
    assert len(caplog.records) == 3
    assert caplog.messages[0].startswith(
        "ZOO_APP_NETWORKS names nonsense, which is not offered: Unknown network 'nonsense'"
    )


@pytest.mark.parametrize("page", ["pictures", "compare", "networks"])
def test_the_pages_show_what_the_owner_allows(page, monkeypatch):
    monkeypatch.setenv(offered_networks.VARIABLE, TIMM)
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120).run()
    assert not app.exception
    assert not app.error
    choice = app.get_by_key("networks-network") if page == "networks" else app.multiselect[0]
    assert choice.options[-1 if page != "pictures" else -2].startswith(
        zoo.describe(TIMM).title
    )  # scenes are last


@pytest.mark.parametrize("view", ["Record", "Layers"])
def test_a_network_that_the_owner_allows_has_a_card(view, monkeypatch):
    monkeypatch.setenv(offered_networks.VARIABLE, TIMM)
    app = AppTest.from_file(str(PAGES / "networks.py"), default_timeout=120)
    app.query_params["network"] = TIMM
    app.run()
    app.get_by_key("networks-view").set_value(view).run()
    assert not app.exception
    assert not app.error
    assert app.get_by_key("networks-network").value == TIMM


def test_networks_of_a_session_are_offered_to_it_alone(monkeypatch, tmp_path):
    folder = zoo.load("squeezenet", weights=None, device="cpu").save(tmp_path / "own")
    monkeypatch.setattr(
        state, "trained_networks", lambda modality=None: {str(folder): zoo.describe(str(folder))}
    )
    net = state.network(str(folder))
    assert len(net.labels) == 1000
    assert str(tmp_path) not in net.name  # which results show
    assert state.is_here(str(folder))
    monkeypatch.setattr(state, "trained_networks", lambda modality=None: {})
    for lead in (state.network, state.spec_of, state.is_here):
        with pytest.raises(UnknownNameError, match="not offered"):
            lead(str(folder))
