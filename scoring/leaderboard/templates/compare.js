// Chosen models, compared in words that follow from their own figures.
const MOST_COMPARED = 6;
const SAME_WITHIN = 0.05;

const isSame = (ratio) => Math.abs(ratio - 1) < SAME_WITHIN;

const times = (ratio) => `${ratioText(ratio)} times`;

function comparison(row, base) {
  const ratio = Number(row.wh) / Number(base.wh);
  const whole = isSame(ratio)
    ? `${fullName(row)} uses about as much energy as ${fullName(base)}`
    : `${fullName(row)} uses ${times(ratio)} as much energy as ${fullName(base)}`;
  return [`${whole}${reasons(row, base, ratio)}`, ...remarks(row, base)].join(" ");
}

/** Energy per query is tokens per query times energy per token. */
function reasons(row, base, ratio) {
  const unknown = [row, base].filter((one) => one.tokens === null).map(fullName);
  if (unknown.length) {
    return `. What makes the difference cannot be said: the tokens of ${unknown.join(" and of ")} are not known.`;
  }
  const tokens = row.tokens / base.tokens;
  const perToken = ratio / tokens;
  const ofTokens = isSame(tokens) ? "about as many tokens" : `${times(tokens)} the tokens`;
  const ofEnergy = isSame(perToken) ? "about the same energy per token" : `${times(perToken)} the energy per token`;
  return `: ${ofTokens}, ${ofEnergy}.`;
}

function remarks(row, base) {
  const said = [];
  const apart = Math.abs(Number(row.wh) - Number(base.wh));
  if (row.interval !== null && base.interval !== null && apart <= row.interval + base.interval) {
    said.push("The difference lies within their intervals.");
  }
  if (row.group !== base.group) said.push("They are rated in different groups, so their stars do not compare.");
  if (row.hardware && base.hardware && row.hardware !== base.hardware) said.push("They ran on different hardware.");
  return said;
}

function comparisonElements(rows) {
  if (!rows.length) return [element("p", { className: "quiet" }, "Choose two models or more in the first column of the table.")];
  if (rows.length === 1) return [element("p", {}, `${fullName(rows[0])} is chosen. Choose another one.`)];
  const [base, ...others] = [...rows].sort((one, other) => Number(one.wh) - Number(other.wh));
  const items = others.map((row) => element("li", {}, comparison(row, base)));
  return [
    element("p", {}, `${fullName(base)} needs the least of them: ${base.energy} Wh per 1,000 queries.`),
    element("ul", { className: "sentences" }, ...items),
  ];
}
