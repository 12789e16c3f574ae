// What is written where: names, stars and ready figures, as text or as elements, never as markup.
const SVG = "http://www.w3.org/2000/svg";

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A name may go on in the next line after whoever made the model; it turns no text beside it round. */
function breakable(name) {
  const parts = name.split("/");
  return element("bdi", {}, ...parts.flatMap((part, n) => (n ? ["/", element("wbr"), part] : [part])));
}

const fullName = (row) => (row.state ? `${row.model} ${row.state}` : row.model);

function groupName(group) {
  const parts = [group.class ? `Class ${group.class}` : "All models"];
  if (group.reasoning) parts.push("reasoning");
  return parts.join(", ");
}

function starsCell(row, group, most) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 98 17");
  picture.setAttribute("aria-hidden", "true");
  for (let place = 0; place < most; place++) {
    const star = document.createElementNS(SVG, "use");
    star.setAttribute("href", "#star");
    star.setAttribute("x", place * 20);
    star.setAttribute("width", 18);
    star.setAttribute("height", 17);
    star.setAttribute("class", place < row.stars ? "on" : "off");
    picture.append(star);
  }
  const words = `${row.stars} of ${most} stars${group.meaningful ? "" : ", not meaningful"}`;
  const cell = element("span", { className: group.meaningful ? "stars" : "stars unfirm" }, picture);
  cell.setAttribute("role", "img");
  cell.setAttribute("aria-label", words);
  const note = !group.meaningful
    ? "not meaningful"
    : row.fewest !== row.most ? `${row.fewest} to ${row.most} within the intervals` : "";
  return note ? element("span", {}, cell, element("small", {}, note)) : cell;
}

function modelCell(row, hub) {
  const name = row.on_hub
    ? element("a", { href: hub + row.model, rel: "noopener noreferrer" }, breakable(row.model))
    : breakable(row.model);
  return row.state ? element("span", {}, name, element("small", {}, row.state)) : name;
}

function simpleTable(caption, heads, lines) {
  const cells = (line) => line.map((text, n) => {
    const cell = element(n ? "td" : "th", {}, text);
    if (n) cell.className = heads[n].numeric ? "n" : "";
    else cell.scope = "row";
    return cell;
  });
  const head = element("tr", {}, ...heads.map((one) => element(
    "th", { scope: "col", className: one.numeric ? "n" : "" }, one.title)));
  return element("table", { className: "plain" }, element("caption", {}, caption),
    element("thead", {}, head),
    element("tbody", {}, ...lines.map((line) => element("tr", {}, ...cells(line)))));
}
