"""Results and figures in a real kernel of Jupyter, of which only ipykernel is installed."""

import pytest
from jupyter_client.manager import start_new_kernel


@pytest.fixture(scope="module")
def cell():
    """Run a cell in a kernel and give the data, by MIME type, of what it displays."""
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120)
    try:
        yield lambda code: displayed(client, code)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def displayed(client, code):
    data = {}

    def collect(message):
        content = message["content"]
        assert message["msg_type"] != "error", "\n".join(content["traceback"])
        data.update(content.get("data", {}))

    client.execute_interactive(code, timeout=120, output_hook=collect)
    return data


def test_plots_and_results_show_themselves(cell):
    cell("import zoo; photo = zoo.sample('cat.png')")
    result = cell("result = zoo.classify(photo, network='squeezenet'); result")
    assert "Egyptian cat" in result["text/html"]
    figure = cell("result.plot().show()")["application/vnd.plotly.v1+json"]
    assert figure["data"][0]["type"] == "bar"
    assert cell("result.plot()")["application/vnd.plotly.v1+json"]["data"] == figure["data"]
