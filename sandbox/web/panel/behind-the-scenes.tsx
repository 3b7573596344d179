/** The right column: what exists at the simulated providers, and switches for their faults and Slack's. */
import { useState } from 'react'
import type { ProviderPanel } from '../../slack/protocol.js'
import { useWorkspace } from '../workspace/context.js'
import { BotProcess } from './bot-process.js'
import { ResourceTable } from './resource-table.js'
import { Switches } from './switches.js'

export function BehindTheScenes() {
  const { switches, providers } = useWorkspace().snapshot
  // In a narrow window it would cover the conversation.
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
            <p className="behind-intro">
              Everything runs on this machine, with no account and no cloud. Go ahead and break something.
            </p>
            <BotProcess />
            <fieldset className="provider">
              <legend>Slack</legend>
              <Switches of="slack" states={switches} />
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
      <ResourceTable name={name} {...table} />
      <Switches of={id} states={switches} />
    </fieldset>
  )
}
