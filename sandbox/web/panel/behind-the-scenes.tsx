/** The right column: what exists at the simulated providers, and switches for their faults and Slack's. */
import { type ReactNode, useState } from 'react'
import type { SwitchState } from '../../providers/simulator.js'
import type { ProviderPanel } from '../../slack/protocol.js'
import { useWorkspace } from '../workspace/context.js'
import { BotProcess } from './bot-process.js'
import { PassingTime } from './passing-time.js'
import { ResourceTable } from './resource-table.js'
import { Switches } from './switches.js'
import { Workflows } from './workflows.js'

/** From this width on there is room for a conversation, a thread and this column side by side. */
const WIDE_PX = 1140

export function BehindTheScenes() {
  const { switches, providers } = useWorkspace().snapshot
  // In a narrow window it would cover the conversation.
  const [isOpen, setOpen] = useState(() => window.innerWidth >= WIDE_PX)
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
            <p className="behind-intro">
              Everything runs on this machine, with no account and no cloud. Go ahead and break something.
            </p>
            <BotProcess />
            <PassingTime />
            <Workflows />
            <Folded name="Slack" states={switches}>
              <Switches of="slack" states={switches} />
            </Folded>
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
    <Folded name={name} states={switches} count={table.rows.length}>
      <ResourceTable name={name} {...table} />
      <Switches of={id} states={switches} />
    </Folded>
  )
}

interface FoldedProps {
  name: string
  states: readonly SwitchState[]
  /** How many things there are inside. */
  count?: number
  children: ReactNode
}

/** Folded at first: all of them together are many times longer than the window. */
function Folded({ name, states, count, children }: FoldedProps) {
  const on = states.filter((state) => state.on).length
  return (
    <details className="provider" aria-label={name}>
      <summary>
        <strong>{name}</strong>
        {on > 0 && <span className="faults-on">{on === 1 ? '1 fault on' : `${on} faults on`}</span>}
        {count !== undefined && <span className="provider-count">{count}</span>}
      </summary>
      {children}
    </details>
  )
}
