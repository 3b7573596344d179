/** The faults and other behaviours of Slack or a provider that people can switch on. */
import { useEffect, useId, useState } from 'react'
import type { SwitchState } from '../../providers/simulator.js'
import { post, sentenceOf } from '../workspace/api.js'
import { useWorkspace } from '../workspace/context.js'

/** Folded at first, because together they are much longer than the window. */
export function Switches({ of, states }: { of: string; states: readonly SwitchState[] }) {
  const on = states.filter((state) => state.on).length
  return (
    <details className="switches">
      <summary>{on === 0 ? `${states.length} faults to switch on` : `${on} of ${states.length} faults on`}</summary>
      {states.map((state) => (
        <Switch key={state.id} of={of} state={state} />
      ))}
    </details>
  )
}

function Switch({ of, state }: { of: string; state: SwitchState }) {
  const { notify } = useWorkspace()
  const id = useId()
  // Shows what the person wanted until the sandbox says what is.
  const [wanted, setWanted] = useState<boolean | null>(null)

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new state is the sandbox's word
  useEffect(() => setWanted(null), [state])

  function flip(value: boolean) {
    setWanted(value)
    post('switch', { of, id: state.id, value }).then(
      // A fault can be used up so quickly that the sandbox never shows it as on.
      () => setTimeout(() => setWanted(null), 1000),
      (error: unknown) => {
        setWanted(null)
        notify(sentenceOf(error))
      },
    )
  }

  return (
    <div className="switch">
      <input
        id={id}
        type="checkbox"
        checked={wanted ?? state.on}
        aria-describedby={state.once ? `${id}once` : undefined}
        onChange={(event) => flip(event.target.checked)}
      />
      <label htmlFor={id}>{state.label}</label>
      {state.once && (
        <small id={`${id}once`} className="once">
          once
        </small>
      )}
    </div>
  )
}
