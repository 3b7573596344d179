/** Stands in for Workflow Builder: starts workflows of one step, and shows what came of them. */
import { type FormEvent, useId, useState } from 'react'
import type { Step, StepRun } from '../../slack/protocol.js'
import { post, sentenceOf } from '../workspace/api.js'
import { useWorkspace } from '../workspace/context.js'

export function Workflows() {
  const { app, runs } = useWorkspace().snapshot
  if (app.steps.length === 0) return null
  return (
    <details className="provider" aria-label="Workflow Builder">
      <summary>
        <strong>Workflow Builder</strong>
        {runs.length > 0 && <span className="provider-count">{runs.length}</span>}
      </summary>
      {app.steps.map((step) => (
        <StepForm key={step.callbackId} step={step} />
      ))}
      <ul className="runs" aria-label="Runs">
        {[...runs].reverse().map((run) => (
          <Run key={run.id} run={run} />
        ))}
      </ul>
    </details>
  )
}

function StepForm({ step }: { step: Step }) {
  const { snapshot, notify } = useWorkspace()
  const { me } = snapshot
  const [values, setValues] = useState<Readonly<Record<string, string>>>({})

  function run(event: FormEvent) {
    event.preventDefault()
    const filled = step.inputs.filter(({ name }) => (values[name] ?? '') !== '')
    const inputs = Object.fromEntries(filled.map(({ name, type }) => [name, typed(values[name] ?? '', type)]))
    post('run-step', { user: me.id, callbackId: step.callbackId, inputs }).catch((error: unknown) =>
      notify(sentenceOf(error)),
    )
  }

  return (
    <form className="step" onSubmit={run} aria-label={step.title}>
      <p>
        A workflow with the step <strong>{step.title}</strong>, started by {me.realName}.
      </p>
      {step.inputs.map((input) => (
        <StepInput
          key={input.name}
          input={input}
          value={values[input.name] ?? ''}
          onChange={(value) => setValues((last) => ({ ...last, [input.name]: value }))}
        />
      ))}
      <button type="submit" className="button">
        Run “{step.title}”
      </button>
    </form>
  )
}

const CHANNEL = 'slack#/types/channel_id'

interface StepInputProps {
  input: Step['inputs'][number]
  value: string
  onChange(value: string): void
}

function StepInput({ input, value, onChange }: StepInputProps) {
  const { channels } = useWorkspace().snapshot
  const id = useId()
  const { title, description, type, isRequired } = input
  const attributes = { id, className: 'text-input', value, 'aria-describedby': description ? `${id}hint` : undefined }
  return (
    <div className="step-input">
      <label htmlFor={id}>
        {title}
        {!isRequired && <span className="optional"> (optional)</span>}
      </label>
      {type === CHANNEL ? (
        <select {...attributes} onChange={({ target }) => onChange(target.value)}>
          <option value="">No channel</option>
          {channels
            .filter(({ isDirect }) => !isDirect)
            .map((channel) => (
              <option key={channel.id} value={channel.id}>
                #{channel.name}
              </option>
            ))}
        </select>
      ) : (
        <input {...attributes} onChange={({ target }) => onChange(target.value)} />
      )}
      {description && (
        <p id={`${id}hint`} className="hint">
          {description}
        </p>
      )}
    </div>
  )
}

/** What is typed, in the parameter's type. */
function typed(text: string, type: string): unknown {
  if (type === 'boolean') return text === 'true' || text === 'yes'
  return type === 'number' || type === 'integer' ? Number(text) : text
}

const TONES = { running: 'is-busy', completed: 'is-good', failed: 'is-bad' } as const

function Run({ run }: { run: StepRun }) {
  return (
    <li>
      <strong>{run.title}</strong> <span className={TONES[run.status]}>{run.status}</span>
      {run.error && <p>{run.error}</p>}
      {run.outputs && (
        <dl>
          {Object.entries(run.outputs).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{String(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  )
}
