/** The right column: what the simulated providers hold, and the switches for their faults and Slack's own. */
import { useState } from 'react'
import type { ProviderPanel } from '../../slack/protocol.js'
import { useWorkspace } from '../workspace/context.js'
import { Switch } from './switch.js'

export function BehindTheScenes() {
  const { switches, providers } = useWorkspace().snapshot
  // In a narrow window it would lie over the conversation.
  const [isOpen, setOpen] = useState(() => window.innerWidth > 860)
  return (
    <aside className={isOpen ? 'behind' : 'behind is-closed'}>
      <section aria-label="Behind the scenes">
        <header className="pane-head">
          <h2>Behind the scenes</h2>
          <button
            type="button"
            className="icon-button"
            aria-expanded={isOpen}
            aria-label={isOpen ? 'Hide what is behind the scenes' : 'Show what is behind the scenes'}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? '»' : '«'}
          </button>
        </header>
        {isOpen && (
          <div className="behind-body">
            <p className="behind-intro">No account, no cloud: these servers run on this machine. Break something.</p>
            <fieldset className="provider">
              <legend>Slack</legend>
              {switches.map((state) => (
                <Switch key={state.id} of="slack" state={state} />
              ))}
            </fieldset>
            {providers.map((provider) => (
              <Provider key={provider.id} provider={provider} />
            ))}
          </div>
        )}
      </section>
    </aside>
  )
}

function Provider({ provider }: { provider: ProviderPanel }) {
  const { id, name, switches, table } = provider
  return (
    <fieldset className="provider">
      <legend>{name}</legend>
      <div className="table">
        <table aria-label={`What exists at ${name}`}>
          <thead>
            <tr>
              {table.columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row) => (
              <tr key={row.join('\n')}>
                {row.map((cell, index) => (
                  <td key={table.columns[index] ?? index} title={cell}>
                    <span className={`cell ${toneOf(cell)}`}>{cell}</span>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {table.rows.length === 0 && <p className="hint">Nothing exists here yet.</p>}
      </div>
      {switches.map((state) => (
        <Switch key={state.id} of={id} state={state} />
      ))}
    </fieldset>
  )
}

/** Colours the words that name a state; the word itself stays the message. */
function toneOf(cell: string): string {
  const words = cell.toLowerCase()
  if (/\b(running|ready|deployed|active|complete|completed|started|succeeded|healthy)\b/.test(words)) return 'is-good'
  if (/\b(failed|error|crashed|errored)\b/.test(words)) return 'is-bad'
  if (/(ing|queued|pending)$/.test(words) && !words.includes(' ')) return 'is-busy'
  return ''
}
