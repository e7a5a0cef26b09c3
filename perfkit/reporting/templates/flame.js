const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const percent = (value, sign) => {
  const number = value * 100, digits = Math.abs(number) < 10 ? 1 : 0;
  return (sign && number > 0 ? "+" : "") + number.toFixed(digits) + " %";
};
const cell = (row, text, name, kind) => {
  const made = document.createElement(kind || "td");
  made.textContent = text;
  if (name) made.className = name;
  row.append(made);
};
for (const note of data.notes) {
  const line = document.createElement("p");
  line.textContent = "! " + note;
  byId("notes").append(line);
}

// Nodes are in pre-order, each with its depth; the first is the root.
function linked(nodes) {
  const path = [];
  for (const node of nodes) {
    node.children = [];
    path.length = node.depth;
    if (node.depth) { node.parent = path[node.depth - 1]; node.parent.children.push(node); }
    path.push(node);
  }
  return nodes;
}

// `page` says of a node its weight, label, details, and paints its box.
function flameGraph(nodes, page) {
  let shown = nodes[0];
  const told = (node) => { byId("told").textContent = page.details(node); };
  function draw() {
    const graph = byId("graph");
    graph.replaceChildren();
    const wanted = byId("find").value.toLowerCase();
    let rows = 0;
    const place = (node, left, width, row) => {
      if (width < 0.15) return;
      rows = Math.max(rows, row + 1);
      const box = document.createElement("button");
      box.type = "button";
      box.style.left = left + "%";
      box.style.width = width + "%";
      box.style.top = row * 20 + "px";
      box.textContent = page.label(node);
      box.setAttribute("aria-label", page.label(node));
      box.title = node.name + " " + node.place;
      page.paint(box, node);
      if (wanted && node.name.toLowerCase().includes(wanted)) box.className = "found";
      box.onclick = () => { shown = node; told(node); draw(); };
      box.onmouseenter = box.onfocus = () => told(node);
      graph.append(box);
    };
    const above = [];
    for (let node = shown.parent; node; node = node.parent) above.unshift(node);
    above.forEach((node, row) => place(node, 0, 100, row));
    const waiting = [[shown, 0, 100, above.length]];
    while (waiting.length) {
      const [node, left, width, row] = waiting.pop();
      place(node, left, width, row);
      const total = Math.max(page.weight(node), node.children.reduce((sum, child) => sum + page.weight(child), 0)) || 1;
      let start = left;
      for (const child of node.children) {
        const part = width * page.weight(child) / total;
        if (part >= 0.15) waiting.push([child, start, part, row + 1]);
        start += part;
      }
    }
    graph.style.height = rows * 20 + "px";
  }
  byId("find").oninput = draw;
  byId("back").onclick = () => { shown = nodes[0]; told(shown); draw(); };
  told(nodes[0]);
  draw();
  return draw;
}
