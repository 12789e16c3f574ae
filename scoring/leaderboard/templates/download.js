// What is shown, as a file. Cells that a spreadsheet would run get a quote in front.
const EXPORTED = {
  model: (row) => row.model,
  state: (row) => row.state,
  task: (row, table) => table.task,
  class: (row, table, group) => group.class,
  reasoning: (row, table, group) => (group.reasoning ? "yes" : "no"),
  rehearsal: (row, table) => (table.rehearsal ? "yes" : "no"),
  stars: (row) => row.stars,
  stars_meaningful: (row, table, group) => (group.meaningful ? "yes" : "no"),
  wh_per_1000_queries: (row) => row.wh,
  interval_wh: (row) => row.interval,
  throughput_tokens_per_second: (row) => row.throughput,
  generated_tokens_per_query: (row) => row.tokens,
  billions_by_name: (row) => row.billions,
  hardware: (row) => row.hardware,
};

const NUMBER = /^[+\-]?\d+(\.\d+)?([eE][+\-]?\d+)?$/;

const exported = (row, table) => Object.fromEntries(Object.entries(EXPORTED).map(
  ([name, value]) => [name, value(row, table, table.groups[row.group])]));

// Stars are those of one edition; null where rows are rated among themselves.
const editionOf = (view) => (view.scored ? view.name : null);

function asCsv(rows, table, view, quality) {
  const cell = (value) => {
    let text = value === null ? "" : String(value);
    const runs = typeof value === "string" && /^[\s]*[=+\-@\t\r]/.test(text) && !NUMBER.test(text);
    if (runs) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const head = ["edition", ...Object.keys(EXPORTED), ...quality.map(({ name }) => `quality: ${name}`)];
  const edition = editionOf(view);
  const lines = rows.map((row) => [edition, ...Object.values(exported(row, table)), ...row.quality]);
  return [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

function asJson(rows, table, view, { unit, quality }) {
  const beside = (row) => Object.fromEntries(quality.map(({ name }, n) => [name, row.quality[n]]));
  const numbers = (one) => ({ ...one, wh_per_1000_queries: Number(one.wh_per_1000_queries) });
  const withQuality = (row) => ({
    ...numbers(exported(row, table)), ...(quality.length ? { quality: beside(row) } : {}),
  });
  const document = { edition: editionOf(view), unit, rows: rows.map(withQuality) };
  return JSON.stringify(document, null, 2) + "\n";
}

function save(text, type, name) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = element("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
