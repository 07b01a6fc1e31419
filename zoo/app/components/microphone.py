"""Whether this browser lets a page hear a microphone, and what to do where it does not."""

from streamlit.components import v2

SENTENCES = {
    "insecure": "Browsers allow a microphone only on pages from https:// or localhost: "
    "open this page from there.",
    "denied": "The microphone is blocked for this page: allow it beside the page's address in the browser, "
    "and press Start again.",
    "none": "The browser finds no microphone on this device: plug one in, and press Start.",
}

# An invisible element that reports why the browser cannot use the microphone; "" if it can.
_LOOK = """
export default function({ setStateValue }) {
    let told = null;
    let permission = null;
    async function look() {
        let obstacle = "";
        if (!window.isSecureContext || !navigator.mediaDevices) {
            obstacle = "insecure";
        } else {
            const devices = await navigator.mediaDevices.enumerateDevices();
            // An empty list tells nothing: some browsers give it until a microphone was allowed.
            if (devices.length && !devices.some((device) => device.kind === "audioinput")) obstacle = "none";
            if (permission && permission.state === "denied") obstacle = "denied";
        }
        if (obstacle !== told) {
            told = obstacle;
            setStateValue("obstacle", obstacle);
        }
    }
    navigator.mediaDevices?.addEventListener("devicechange", look);
    (async () => {
        try {  // which some browsers do not tell of microphones
            permission = await navigator.permissions.query({ name: "microphone" });
            permission.addEventListener("change", look);
        } catch (error) {}
        await look();
    })();
    return () => {
        navigator.mediaDevices?.removeEventListener("devicechange", look);
        permission?.removeEventListener("change", look);
    };
}
"""


def obstacle() -> str:
    """Return why the microphone cannot be used and what to do, in a sentence; empty if it can."""
    look = v2.component("zoo_microphone", js=_LOOK)
    result = look(key="live-microphone", on_obstacle_change=lambda: None, height="content")
    obstacle_key = result.get("obstacle")
    return SENTENCES.get(obstacle_key, "") if isinstance(obstacle_key, str) else ""
