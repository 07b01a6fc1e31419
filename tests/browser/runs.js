// Counts the runs that this page asked its server for, and those of them that have ended and are drawn.
window.runs = { asked: 0, ended: 0 };

// Whether a message is of a run that ended, and not for the sake of another: a ForwardMsg whose field 6,
// script_finished, is not 2, FINISHED_EARLY_FOR_RERUN.
function isEndOfRun(bytes) {
    let at = 0;
    const varint = () => {
        let value = 0;
        for (let factor = 1; ; factor *= 128) {
            const byte = bytes[at++];
            value += (byte % 128) * factor;
            if (byte < 128) return value;
        }
    };
    while (at < bytes.length) {
        const tag = varint();
        const value = varint();  // or, of a field with content, its length
        if (tag === 6 * 8) return value !== 2;
        if (tag % 8 === 2) at += value;
    }
    return false;
}

window.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols);
        window.runs.asked = window.runs.ended = 0;  // what another connection was asked for is never answered
        this.addEventListener("message", event => {
            if (!(event.data instanceof ArrayBuffer) || !isEndOfRun(new Uint8Array(event.data))) return;
            const ended = window.runs.asked;
            requestAnimationFrame(() => requestAnimationFrame(() => { window.runs.ended = ended; }));
        });
    }

    send(data) {
        if (data[0] === 11 * 8 + 2) window.runs.asked += 1;  // a BackMsg with its field 11, rerun_script
        super.send(data);
    }
};
