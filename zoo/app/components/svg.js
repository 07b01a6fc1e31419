// A drawing that changes in place; Streamlit calls this again whenever `data` changes, with the same element.
export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".drawing");
  const button = parentElement.querySelector("button");
  place.innerHTML = data.svg;
  button.hidden = !data.name;
  button.onclick = () => save(place.querySelector("svg"), data.name);
}

// The drawing takes its colors and letters from the page, which the file has to bring along.
function save(svg, name) {
  const { width, height } = svg.viewBox.baseVal;
  const { color, fontFamily } = getComputedStyle(svg);
  const { backgroundColor } = getComputedStyle(document.querySelector(".stApp"));
  const copy = svg.cloneNode(true);
  Object.assign(copy.style, { color, fontFamily, backgroundColor });
  for (const [key, value] of Object.entries({ width, height })) copy.setAttribute(key, value);
  const text = new XMLSerializer().serializeToString(copy);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  link.download = `${name}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
