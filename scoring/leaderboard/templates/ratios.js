// The only figures that are not ready in the data: how many times one is of the other.
const HALF_EVEN = { roundingMode: "halfEven" };
const TWO_DIGITS = new Intl.NumberFormat("en", { maximumSignificantDigits: 2, ...HALF_EVEN });
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0, ...HALF_EVEN });

/** As `figure(ratio, 2)` of scoring/figures.py, of 0.0001 and more: 3.4, 12, 0.45 or 1,234. */
function ratioText(ratio) {
  return (ratio < 99.5 ? TWO_DIGITS : WHOLE).format(ratio.toPrecision(60));
}
