/** Stands in for Workflow Builder: runs the app's steps, and shows what came of them. */
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
  const { notify } = useWorkspace()
  const id = useId()
  const [values, setValues] = useState<Readonly<Record<string, string>>>({})

  function run(event: FormEvent) {
    event.preventDefault()
    const filled = step.inputs.filter(({ name }) => (values[name] ?? '') !== '')
    const inputs = Object.fromEntries(filled.map(({ name, type }) => [name, typed(values[name] ?? '', type)]))
    post('run-step', { callbackId: step.callbackId, inputs }).catch((error: unknown) => notify(sentenceOf(error)))
  }

  return (
    <form className="step" onSubmit={run} aria-label={step.title}>
      {step.inputs.map(({ name, title, isRequired }) => (
        <div key={name} className="step-input">
          <label htmlFor={`${id}${name}`}>
            {title}
            {!isRequired && <span className="optional"> (optional)</span>}
          </label>
          <input
            id={`${id}${name}`}
            className="text-input"
            value={values[name] ?? ''}
            onChange={({ target }) => setValues((last) => ({ ...last, [name]: target.value }))}
          />
        </div>
      ))}
      <button type="submit" className="button">
        Run “{step.title}”
      </button>
    </form>
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
