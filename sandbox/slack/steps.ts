/** Custom steps of workflows: run with inputs, carried out by the app, completed by it at once or hours later. */
import { randomBytes } from 'node:crypto'
import { BOT } from './backend.js'
import { type Core, Refusal } from './core.js'
import { eventPayload, eventTs } from './events.js'
import { personOf } from './interactions.js'
import { asObject, asText, type Json } from './json.js'
import type { StepRun } from './protocol.js'

/** A run with what only Slack and the app know. */
export interface StoredRun extends StepRun {
  /** The app's token for this run: it dies with the run. */
  token: string
}

type Step = Core['manifest']['functions'][string]
type Parameter = Step['input_parameters'][string]

/** The type that only Slack fills in, with the person who started the workflow. */
export const USER_CONTEXT = 'slack#/types/user_context'

/** Runs a step, as a workflow that this person started would. Returns the id of the execution. */
export async function runStep(core: Core, user: string, callbackId: string, given: Json): Promise<string> {
  const step = core.manifest.functions[callbackId]
  if (!step) throw new Refusal(`The manifest has no function ${callbackId}.`)
  const ofSlack = Object.keys(step.input_parameters).filter((name) => isOfSlack(step.input_parameters[name]))
  const chosen = ofSlack.find((name) => name in given)
  if (chosen !== undefined) throw new Refusal(`Slack sets ${chosen}, and nobody else can.`)
  const context = { id: personOf(core, user).id, secret: randomBytes(16).toString('hex') }
  const inputs = { ...given, ...Object.fromEntries(ofSlack.map((name) => [name, context])) }
  const problems = parameterProblems(step.input_parameters, inputs)
  if (problems.length > 0) throw new Refusal(problems.join(' '))
  const id = `Fx${randomBytes(5).toString('hex').toUpperCase()}`
  const token = `xwfp-${randomBytes(8).toString('hex')}`
  core.state.keepRun({ id, callbackId, title: step.title, status: 'running', inputs, token })
  const event = {
    type: 'function_executed',
    function: described(callbackId, step, core.now()),
    inputs,
    function_execution_id: id,
    workflow_execution_id: `Wx${randomBytes(5).toString('hex').toUpperCase()}`,
    event_ts: eventTs(core),
    bot_access_token: token,
  }
  const delivery = await core.deliver('events_api', eventPayload(event, core.now()))
  if (!delivery.ok) {
    const run = core.state.run(id)
    if (run?.status === 'running') core.state.keepRun({ ...run, status: 'failed', error: delivery.error })
  }
  return id
}

/** `functions.completeSuccess` and `functions.completeError`. */
export function completeStep(core: Core, method: string, body: Json): Json {
  const run = core.state.run(asText(body.function_execution_id))
  if (!run) return { ok: false, error: 'function_execution_not_found' }
  if (run.status !== 'running') return { ok: false, error: 'execution_not_in_running_state' }
  if (method === 'functions.completeError') {
    if (!asText(body.error)) return { ok: false, error: 'invalid_arguments' }
    core.state.keepRun({ ...run, status: 'failed', error: asText(body.error) })
    return { ok: true }
  }
  const outputs = asObject(body.outputs)
  const problems = parameterProblems(core.manifest.functions[run.callbackId]?.output_parameters ?? {}, outputs)
  if (problems.length > 0) {
    return { ok: false, error: 'parameter_validation_failed', response_metadata: { messages: problems } }
  }
  core.state.keepRun({ ...run, status: 'completed', outputs })
  return { ok: true }
}

function described(callbackId: string, step: Step, now: number): Json {
  const parameters = (all: Step['input_parameters']) =>
    Object.entries(all).map(([name, { type, title, description, is_required }]) => ({
      type,
      name,
      title,
      description,
      is_required,
    }))
  return {
    id: `Fn${callbackId}`,
    callback_id: callbackId,
    title: step.title,
    description: step.description,
    type: 'app',
    input_parameters: parameters(step.input_parameters),
    output_parameters: parameters(step.output_parameters),
    app_id: BOT.appId,
    date_created: Math.floor(now / 1000),
    date_updated: Math.floor(now / 1000),
    date_deleted: 0,
  }
}

function isOfSlack(parameter: Parameter | undefined): boolean {
  return parameter?.type === USER_CONTEXT
}

/** What a value of each type looks like, in words and as a check. Slack's other types, such as channels, are ids. */
const SHAPES: Readonly<Record<string, { words: string; fits(value: unknown): boolean }>> = {
  boolean: { words: 'a boolean', fits: (value) => typeof value === 'boolean' },
  integer: { words: 'an integer', fits: Number.isInteger },
  number: { words: 'a number', fits: Number.isFinite },
  [USER_CONTEXT]: {
    words: 'an object with id and secret',
    fits: (value) => asText(asObject(value).id) !== '' && asText(asObject(value).secret) !== '',
  },
}
const TEXT = { words: 'a string', fits: (value: unknown) => typeof value === 'string' }

function parameterProblems(parameters: Step['input_parameters'], values: Json): string[] {
  const stray = Object.keys(values).filter((name) => !(name in parameters))
  return [
    ...stray.map((name) => `${name} is no parameter.`),
    ...Object.entries(parameters).flatMap(([name, { type, is_required }]) => {
      const value = values[name]
      if (value === undefined || value === '') return is_required ? [`${name} is required.`] : []
      const { words, fits } = SHAPES[type] ?? TEXT
      return fits(value) ? [] : [`${name} must be ${words}.`]
    }),
  ]
}
