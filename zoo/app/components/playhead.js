// A line over a chart that follows a player; a click in the chart plays from there, or plays one bar of it.
// Streamlit calls this again whenever `data` changes, with the same `parentElement`.
export default function ({ data, parentElement }) {
  parentElement.stop?.();
  const find = (key, selector) => document.querySelector(`.st-key-${key} ${selector}`);
  const line = document.createElement("div");
  line.className = "playhead";
  let chart = null;
  let until = Infinity;
  let frame = 0;

  const stopAtEnd = (audio) => {
    if (audio.currentTime < until) return;
    audio.pause();
    until = Infinity;
  };

  const play = (start, end = Infinity) => {
    const audio = find(data.player, "audio");
    if (!audio) return;
    const begin = () => {
      until = end;
      audio.currentTime = start;
      audio.ontimeupdate = () => stopAtEnd(audio); // nothing is drawn in a hidden tab
      audio.play();
    };
    if (audio.readyState) begin();
    else audio.addEventListener("loadedmetadata", begin, { once: true });
  };

  // Plotly tells of clicks on what can be hovered over; of others the pointer does.
  const bar = ({ points }) => {
    const point = points.find(({ data }) => data.type === "bar");
    if (point) play(point.customdata[0], point.customdata[1]);
  };

  const pressed = (press) => {
    if (!press.target.closest(".nsewdrag")) return;
    const released = (release) => {
      if (Math.hypot(release.x - press.x, release.y - press.y) > 4) return; // to zoom
      const { xaxis } = chart._fullLayout;
      play(xaxis.p2d(release.x - chart.getBoundingClientRect().x - xaxis._offset));
    };
    document.addEventListener("pointerup", released, { once: true, capture: true });
  };

  const leave = () => {
    chart?.removeListener("plotly_click", bar);
    chart?.removeEventListener("pointerdown", pressed, true);
    line.remove();
  };

  const watch = (found) => {
    leave();
    chart = found;
    chart.on("plotly_click", bar);
    chart.addEventListener("pointerdown", pressed, true);
    chart.append(line); // above its drawing, and moved with it
  };

  const follow = () => {
    frame = requestAnimationFrame(follow);
    const audio = find(data.player, "audio");
    const found = find(data.chart, ".js-plotly-plot");
    if (!audio || !found?._fullLayout?.xaxis) return;
    if (found !== chart || !line.isConnected) watch(found);
    stopAtEnd(audio);
    const { xaxis, _size, height } = chart._fullLayout;
    const x = xaxis.d2p(audio.currentTime);
    line.hidden = !(x >= 0 && x <= xaxis._length);
    line.style.left = `${xaxis._offset + x}px`;
    line.style.top = `${_size.t}px`;
    line.style.height = `${height - _size.t - _size.b}px`;
  };

  follow();
  if (data.play && String(data.play) !== parentElement.played) play(...data.play);
  parentElement.played = String(data.play);
  parentElement.stop = () => {
    cancelAnimationFrame(frame);
    leave();
  };
  return parentElement.stop;
}
