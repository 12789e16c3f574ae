// A chart that was drawn while the site was made, and its front as a table.
function chartElements(chart, group, rows, axes) {
  const unit = chart.axis === "throughput" ? "tokens per second" : "billion parameters";
  const worth = (row) => figure(row[chart.axis]);
  const picture = element("div", {}, document.getElementById(`chart-${chart.name}`).content.cloneNode(true));
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label",
    `${groupName(group)}: energy against ${unit}, ${chart.drawn} models. The table below names those of the front.`);
  const pointed = element("p", { className: "pointed quiet" });
  pointed.setAttribute("aria-hidden", "true");
  const partly = chart.drawn < chart.points ? ` ${chart.drawn} of ${chart.points} models are drawn.` : "";
  pointed.textContent = `A pointer over a point names its model.${partly}`;
  picture.addEventListener("pointerover", (event) => {
    const row = rows[event.target.closest("[aria-roledescription=point]")?.getAttribute("aria-label")];
    if (row) pointed.textContent = `${fullName(row)}: ${energyText(row)} Wh, ${worth(row)} ${unit}`;
  });
  const caption = "The Pareto front: no other model of the group is as good in one respect and better in the other.";
  const heads = [{ title: "Model" }, { title: "Number", numeric: true }, { title: axes[chart.axis], numeric: true }, { title: "Wh per 1,000 queries", numeric: true }];
  const lines = chart.front.map((place, n) => [fullName(rows[place]), String(n + 1), worth(rows[place]), energyText(rows[place])]);
  const frame = element("div", { className: "scroll", tabIndex: 0 }, simpleTable(caption, heads, lines));
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "Pareto front");
  return [picture, pointed, frame];
}
