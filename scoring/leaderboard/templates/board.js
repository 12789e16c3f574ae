// The page: what is chosen, and everything shown again when the choice changes.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const at = (id) => document.getElementById(id);
const data = read("data");
const columns = read("columns");
const views = data.views.map((view) => ({
  ...view,
  tables: view.tables.map((table) => ({
    ...table,
    rows: table.rows.map((values) => Object.fromEntries(columns.map((name, n) => [name, values[n]]))),
  })),
}));
const shown = { view: null, table: null, chosen: new Set(), fresh: true };
const groupOf = (row) => shown.table.groups[row.group];

// DataTables takes text for markup, in what it searches and in what it shows.
const asNode = (shown) => (typeof shown === "string" ? new Text(shown) : shown);
const escaped = (text) => text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);
// One with `has` is shown where a row has something for it.
const column = (title, { sort, show, filter, ...more }) => ({
  title,
  type: "num",
  searchable: Boolean(filter),
  ...more,
  data: (row, kind) => {
    if (kind === "display") return asNode(show(row));
    return kind === "filter" ? escaped(filter ? filter(row) : "") : sort(row);
  },
});

// What is not known comes last, in whichever order.
const known = (sign) => (one, other) => {
  if (one === null || other === null) return (one === null) - (other === null);
  return sign * (one - other);
};
DataTable.type("known", { className: "dt-type-numeric", order: { asc: known(1), desc: known(-1) } });
const name = (row) => fullName(row).toLowerCase();

function compareBox(row) {
  const box = element("input", { type: "checkbox", checked: shown.chosen.has(row) });
  box.setAttribute("aria-label", `Compare ${fullName(row)}`);
  box.addEventListener("change", () => {
    if (box.checked && shown.chosen.size >= MOST_COMPARED) {
      box.checked = false;
      showComparison();
      at("compare").append(element("p", {}, `At most ${MOST_COMPARED} models can be compared.`));
      return;
    }
    shown.chosen[box.checked ? "add" : "delete"](row);
    showComparison();
  });
  return box;
}

function evidenceLink(row) {
  if (!row.evidence) return "–";
  const link = element("a", { href: row.evidence }, "run");
  link.setAttribute("aria-label", `Evidence of ${fullName(row)}`);
  return link;
}

/** Columns of the file of quality, in its words. A title is markup to DataTables. */
const qualityColumns = data.quality.map(({ name: title, numeric }, n) => column(escaped(title), {
  sort: (row) => (numeric ? (row.quality[n] ? Number(row.quality[n]) : null) : row.quality[n].toLowerCase()),
  show: (row) => row.quality[n] || "–", type: numeric ? "known" : "string", className: numeric ? "" : "text",
  ariaTitle: title, has: (row) => row.quality[n],
}));

const COLUMNS = [
  column("Compare", { sort: () => 0, show: compareBox, orderable: false, className: "compare" }),
  column("Model", {
    sort: name, filter: fullName, show: (row) => modelCell(row, data.hub), type: "string",
    cellType: "th", createdCell: (cell) => { cell.scope = "row"; },
  }),
  column("Wh per 1,000 queries", { sort: (row) => Number(row.wh), show: (row) => row.energy, className: "energy" }),
  column("Stars", {
    sort: (row) => row.stars, show: (row) => starsCell(row, groupOf(row), data.most_stars), orderSequence: ["desc", "asc"],
  }),
  ...qualityColumns,
  column("Rated in", { has: (row) => groupName(groupOf(row)) !== "All models", sort: (row) => groupName(groupOf(row)), show: (row) => groupCell(groupOf(row)), type: "string" }),
  column(data.axes.throughput.title, { has: (row) => row.throughput !== null, sort: (row) => row.throughput, show: (row) => row.throughput_text || "–", type: "known" }),
  column("Tokens per query", { has: (row) => row.tokens !== null, sort: (row) => row.tokens, show: (row) => row.tokens_text || "–", type: "known" }),
  column(data.axes.billions.title, { has: (row) => row.billions !== null, sort: (row) => row.billions, show: (row) => row.billions_text || "–", type: "known" }),
  column("Hardware", { has: (row) => row.hardware, sort: (row) => row.hardware, filter: (row) => row.hardware, show: (row) => row.hardware || "–", type: "string", className: "text" }),
  column("Evidence", { has: (row) => row.evidence, sort: () => 0, show: evidenceLink, orderable: false }),
];
const BY_ENERGY = 2;

function groupCell(group) {
  const words = group.class ? `Class ${group.class}` : "All models";
  return group.reasoning ? element("span", {}, `${words} `, element("span", { className: "badge" }, "reasoning")) : words;
}

const board = new DataTable("#board", {
  columns: COLUMNS,
  data: [],
  order: [[BY_ENERGY, "asc"]],
  pageLength: 25,
  lengthMenu: [10, 25, 50, 100],
  autoWidth: false,
  layout: { topStart: null, topEnd: null, bottomStart: ["info", "pageLength"], bottomEnd: { paging: { buttons: 5 } } },
  language: {
    info: "Models _START_ to _END_ of _TOTAL_", infoEmpty: "No model", infoFiltered: "(of _MAX_ in all)",
    emptyTable: "There is no model.", zeroRecords: "No model is like that.", lengthMenu: "_MENU_ on a page",
  },
});
const frame = board.table().node().parentElement;
frame.classList.add("scroll");
frame.tabIndex = 0;
frame.setAttribute("role", "region");
frame.setAttribute("aria-labelledby", "title");

board.search.fixed("chosen", (text, row) => {
  const group = groupOf(row);
  return (!at("class").value || group.class === at("class").value)
    && (!at("reasoning").value || group.reasoning === (at("reasoning").value === "yes"))
    && (!at("stars").value || row.stars === Number(at("stars").value));
});
const rowsShown = () => board.rows({ search: "applied", order: "applied" }).data().toArray();

function showComparison() {
  at("compare").replaceChildren(...comparisonElements([...shown.chosen]));
  at("clear").hidden = !shown.chosen.size;
}

function showChart() {
  const [place, chart] = chartsOf(shown.table)[at("charts").selectedIndex];
  const first = shown.table.groups.slice(0, place).reduce((sum, group) => sum + group.size, 0);
  const rows = shown.table.rows.slice(first, first + shown.table.groups[place].size);
  at("chart").replaceChildren(...chartElements(chart, shown.table.groups[place], rows, data.axes));
}

const chartsOf = (table) => table.groups.flatMap((group, place) => group.charts.map((chart) => [place, chart]));

function showCharts() {
  const charts = chartsOf(shown.table);
  at("charts").replaceChildren(...charts.map(([place, chart]) => new Option(
    `${groupName(shown.table.groups[place])}: energy against ${data.axes[chart.axis].short}`)));
  at("chart-section").hidden = !charts.length;
  if (charts.length) showChart();
}

function showGroups() {
  const { groups } = shown.table;
  const heads = ["Group", "Models", "5 stars up to", "4 up to", "3 up to", "2 up to", "1 up to"].map(
    (title, n) => ({ title, numeric: n > 0 }));
  const lines = groups.map((group) => [groupName(group), ...group.bands]);
  if (groups.some((group) => !group.meaningful)) {
    heads.push({ title: "Remark" });
    groups.forEach((group, n) => lines[n].push(
      group.meaningful ? "" : "No two different energies: the stars are not meaningful."));
  }
  at("groups").replaceChildren(simpleTable("Upper ends of the bands, in Wh per 1,000 queries", heads, lines));
}

function showLeftOut() {
  const { left_out: counted, left_out_rows: rows, left_out_whole: whole } = shown.view;
  at("left-out-section").hidden = !rows.length;
  at("left-out-count").textContent = counted;
  const lines = rows.map(([model, state, because]) => [breakable(`${model} ${state}`.trim()), because]);
  const caption = whole ? "Of all tasks" : `The first ${rows.length} of all tasks`;
  at("left-out").replaceChildren(simpleTable(caption, [{ title: "Model" }, { title: "Why" }], lines));
}

function showFilters() {
  const classes = [...new Set(shown.table.groups.map((group) => group.class))].filter(Boolean).sort();
  at("class").replaceChildren(new Option("all", ""), ...classes.map((one) => new Option(one)));
  at("class").parentElement.hidden = classes.length < 2;
  at("reasoning").value = "";
  at("reasoning").parentElement.hidden = new Set(shown.table.groups.map((group) => group.reasoning)).size < 2;
  at("stars").value = "";
  at("search").value = "";
}

const place = (view, table) =>
  `#${encodeURIComponent(view.name)}/${table.rehearsal ? "rehearsal/" : ""}${encodeURIComponent(table.task)}`;

function showTasks() {
  const link = (table) => {
    const made = element("a", { href: place(shown.view, table) }, table.title);
    if (table === shown.table) made.setAttribute("aria-current", "page");
    return element("li", {}, made);
  };
  const list = (rehearsal) => shown.view.tables.filter((table) => table.rehearsal === rehearsal).map(link);
  const [real, rehearsals] = [list(false), list(true)];
  at("tasks").replaceChildren(...(real.length ? [element("ul", {}, ...real)] : []));
  if (!rehearsals.length) return;
  const heading = element("p", { id: "rehearsals" }, "Rehearsals");
  const played = element("ul", {}, ...rehearsals);
  played.setAttribute("aria-labelledby", heading.id);
  at("tasks").append(heading, played);
}

function showTable(view, table) {
  Object.assign(shown, { view, table, chosen: new Set() });
  at("edition").value = views.indexOf(view);
  at("title").textContent = table.rehearsal ? `${table.title} (rehearsal)` : table.title;
  at("caption").textContent = view.scored ? `Edition ${view.name}, scored ${view.scored}` : "All results, rated among themselves";
  at("watermark").hidden = at("rehearsal").hidden = !table.rehearsal;
  document.title = `${table.title} – ${views.length > 1 ? `${view.name} – ` : ""}AI Energy Score leaderboard`;
  showFilters();
  for (const [number, { has }] of COLUMNS.entries()) {
    if (has) board.column(number).visible(table.rows.some(has), false);
  }
  board.search("").order([BY_ENERGY, "asc"]).clear().rows.add(table.rows).draw();
  showTasks();
  showComparison();
  showCharts();
  showGroups();
  showLeftOut();
}

function follow() {
  const wanted = location.hash;
  for (const view of views) {
    const table = view.tables.find((one) => place(view, one) === wanted);
    if (table) return showTable(view, table);
  }
  const view = views.find((one) => one.tables.length);
  return showTable(view, view.tables[0]);
}

function changeEdition() {
  const view = views[at("edition").value];
  const { task, rehearsal } = shown.table;
  const table = view.tables.find((one) => one.task === task && one.rehearsal === rehearsal) ?? view.tables[0];
  location.hash = place(view, table);
}

function changeTheme(theme) {
  const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("dark", dark);
  document.documentElement.style.colorScheme = theme || "light dark";
}

for (const [number, view] of views.entries()) {
  const option = new Option(view.scored ? `${view.name} (${view.scored})` : view.name, number);
  option.disabled = !view.tables.length;
  at("edition").append(option);
}
at("edition").parentElement.hidden = views.length < 2;
at("stars").append(new Option("all", ""), ...[5, 4, 3, 2, 1].map((stars) => new Option(stars)));
at("edition").addEventListener("change", changeEdition);
at("theme").addEventListener("change", () => changeTheme(at("theme").value));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => changeTheme(at("theme").value));
at("search").addEventListener("input", () => board.search(at("search").value).draw());
for (const id of ["class", "reasoning", "stars"]) at(id).addEventListener("change", () => board.draw());
at("charts").addEventListener("change", showChart);
at("clear").addEventListener("click", () => { shown.chosen.clear(); board.rows().invalidate().draw(false); showComparison(); });
at("csv").addEventListener("click", () => save(asCsv(rowsShown(), shown.table, shown.view, data.quality), "text/csv", `${shown.table.task}.csv`));
at("json").addEventListener("click", () => save(asJson(rowsShown(), shown.table, shown.view, data), "application/json", `${shown.table.task}.json`));
addEventListener("hashchange", () => { follow(); at("title").focus(); });
changeTheme("");
follow();
