"use strict";
const main = document.getElementById("dashboard");
const said = document.createElement("p");
said.setAttribute("role", "status");
said.className = "firing";
main.before(said);
let newest = "";

function show() {
  // Whoever marks a figure to copy it keeps it; the next frame comes in a second.
  if (!newest || document.hidden || !getSelection().isCollapsed) return;
  const before = [...main.querySelectorAll(".wide")].map((one) => one.scrollLeft);
  main.innerHTML = newest;
  document.title = "perfkit: " + (main.querySelector("h1")?.textContent ?? "");
  main.querySelectorAll(".wide").forEach((one, index) => { one.scrollLeft = before[index] ?? 0; });
  newest = "";
}

const source = new EventSource("/events");
source.onopen = () => { said.textContent = ""; };
source.onmessage = (event) => { newest = event.data; show(); };
source.onerror = () => {
  said.textContent = "No connection to perfkit monitor: the figures below are old.";
  if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
};
document.addEventListener("visibilitychange", show);
document.addEventListener("selectionchange", show);
