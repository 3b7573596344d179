/** The box to write in, with completion of slash commands. */
import { type KeyboardEvent, useId, useState } from 'react'
import type { Snapshot } from '../../slack/protocol.js'
import { useWorkspace } from './context.js'
import { ShortcutMenu } from './shortcut-menu.js'

interface ComposerProps {
  label: string
  withCommands: boolean
  /** Resolves to whether the text was taken; if not, it stays. */
  onSend(text: string): Promise<boolean>
}

type Command = Snapshot['commands'][number]

export function Composer({ label, withCommands, onSend }: ComposerProps) {
  const { commands, bot } = useWorkspace().snapshot
  const id = useId()
  const [text, setText] = useState('')
  const [activeIndex, setActiveIndex] = useState(0)
  const [isDismissed, setDismissed] = useState(false)

  const invite = { command: '/invite', usage: `@${bot.name}`, description: 'Add someone to this channel.' }
  const all = commands.some(({ command }) => command === invite.command) ? commands : [...commands, invite]
  const isNaming = withCommands && !isDismissed && /^\/\S*$/.test(text)
  const matching = isNaming ? all.filter(({ command }) => command.startsWith(text)) : []
  const active = matching[activeIndex] ?? matching[0]
  const named = withCommands ? all.find(({ command }) => text.startsWith(`${command} `)) : undefined

  function write(next: string) {
    setText(next)
    setActiveIndex(0)
    setDismissed(false)
  }

  async function send() {
    const said = text.trim()
    if (said === '') return
    write('')
    const isTaken = await onSend(said)
    // Not over something that was written in the meantime.
    if (!isTaken) setText((latest) => latest || said)
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return
    const isCompletion = event.key === 'Tab' || (event.key === 'Enter' && active?.command !== text)
    if (active && isCompletion && !event.shiftKey) {
      event.preventDefault()
      write(`${active.command} `)
    } else if (active && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault()
      const by = event.key === 'ArrowDown' ? 1 : -1
      setActiveIndex((matching.indexOf(active) + by + matching.length) % matching.length)
    } else if (active && event.key === 'Escape') {
      setDismissed(true)
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      send()
    }
  }

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      {active && (
        <CommandList id={id} commands={matching} active={active} onChoose={({ command }) => write(`${command} `)} />
      )}
      <textarea
        aria-label={label}
        placeholder={label}
        rows={Math.min(8, text.split('\n').length)}
        value={text}
        aria-autocomplete={withCommands ? 'list' : undefined}
        aria-controls={active ? `${id}list` : undefined}
        aria-activedescendant={active ? `${id}${active.command}` : undefined}
        aria-describedby={`${id}hint`}
        onChange={(event) => write(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="composer-foot">
        {withCommands && <ShortcutMenu />}
        <span id={`${id}hint`} className="composer-hint">
          {named ? `${named.command} ${named.usage}` : withCommands ? 'Type / for commands' : ''}
        </span>
        <button type="submit" className="button primary" disabled={text.trim() === ''}>
          Send
        </button>
      </div>
    </form>
  )
}

interface CommandListProps {
  id: string
  commands: readonly Command[]
  active: Command
  onChoose(command: Command): void
}

function CommandList({ id, commands, active, onChoose }: CommandListProps) {
  return (
    <div className="commands" id={`${id}list`} role="listbox" aria-label="Slash commands" tabIndex={-1}>
      {commands.map((one) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to the text box, which names its active line
        <div
          key={one.command}
          id={`${id}${one.command}`}
          role="option"
          tabIndex={-1}
          aria-selected={one === active}
          className={one === active ? 'command is-active' : 'command'}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onChoose(one)}
        >
          <span>
            <strong>{one.command}</strong> <span className="usage">{one.usage}</span>
          </span>
          <small>{one.description}</small>
        </div>
      ))}
    </div>
  )
}
