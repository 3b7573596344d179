/** Pure: rows of texts as CSV (RFC 4180) that a spreadsheet opens without running anything. */

/** What spreadsheets take for a formula, also behind blanks and in full width. */
const FORMULA = /^\s*[=+\-@＝＋－＠\t\r]/

/**
 * One line per row, each cell in quotes. A cell that a spreadsheet would take for a formula gets an apostrophe before it, which
 * the spreadsheet doesn't show.
 */
export function toCsv(rows: readonly (readonly (string | number | null)[])[]): string {
  return rows.map((cells) => `${cells.map(toCell).join(',')}\r\n`).join('')
}

function toCell(value: string | number | null): string {
  const text = `${value ?? ''}`
  const safe = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text
  return `"${safe.replaceAll('"', '""')}"`
}
