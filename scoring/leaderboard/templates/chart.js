// A chart that was drawn while the site was made, and its front as a table.
function chartElements(chart, group, rows, axes) {
  const { title, unit } = axes[chart.axis];
  const worth = (row) => row[`${chart.axis}_text`];
  const picture = element("div", {}, document.getElementById(`chart-${chart.name}`).content.cloneNode(true));
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label",
    `${groupName(group)}: energy against ${unit}, ${chart.drawn}. The table below names those of the front.`);
  const pointed = element("p", { className: "pointed quiet" });
  pointed.setAttribute("aria-hidden", "true");
  const partly = chart.whole ? "" : ` ${chart.drawn} are drawn.`;
  pointed.textContent = `A pointer over a point names its model.${partly}`;
  picture.addEventListener("pointerover", (event) => {
    const row = rows[event.target.closest("[aria-roledescription=point]")?.getAttribute("aria-label")];
    if (row) pointed.textContent = `${fullName(row)}: ${row.energy} Wh, ${worth(row)} ${unit}`;
  });
  const caption = "The Pareto front: no other model of the group is as good in one respect and better in the other.";
  const heads = [{ title: "Number in the chart, model" }, { title, numeric: true }, { title: "Wh per 1,000 queries", numeric: true }];
  const lines = chart.front.map((place, n) => [element("span", {}, `${n + 1}. `, breakable(fullName(rows[place]))), worth(rows[place]), rows[place].energy]);
  const frame = element("div", { className: "scroll", tabIndex: 0 }, simpleTable(caption, heads, lines));
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "Pareto front");
  return [picture, pointed, frame];
}
