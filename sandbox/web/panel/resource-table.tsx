/** What exists at one provider, as a table that fits a narrow column. */
import type { ProviderPanel } from '../../slack/protocol.js'

export function ResourceTable({ name, columns, rows }: { name: string } & ProviderPanel['table']) {
  return (
    <>
      <table className="resources" aria-label={`What exists at ${name}`}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.join('\n')}>
              {row.map((cell, index) => (
                <Cell key={columns[index] ?? index} column={columns[index] ?? ''} cell={cell} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p className="hint">Nothing here yet.</p>}
    </>
  )
}

function Cell({ column, cell }: { column: string; cell: string }) {
  const isStatus = /^(status|state|phase)$/i.test(column)
  return (
    <td
      title={cell === '' ? undefined : column}
      className={isStatus ? `status ${toneOf(cell)}` : undefined}
      // The headings are hidden. A heading of several words, such as "Copy of", is shown in front of its value.
      data-label={cell !== '' && column.includes(' ') ? column : undefined}
    >
      {cell}
    </td>
  )
}

/** Colours the words that name a state; the word itself stays the message. */
function toneOf(state: string): string {
  const words = state.toLowerCase()
  if (/fail|error|crash|abnormal/.test(words)) return 'is-bad'
  if (/\b(running|ready|deployed|active|completed?|started|succeeded|healthy|normal)\b/.test(words)) return 'is-good'
  return /ing\b|queued|\.\.\.|…/.test(words) ? 'is-busy' : ''
}
