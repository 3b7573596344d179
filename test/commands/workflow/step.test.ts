/** The step of a workflow: from Slack's event to a job, and back to Slack when the job has ended. */
import { WebClient } from '@slack/web-api'
import type { KyselyPlugin } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Rule } from '../../../src/access/rules.js'
import { registerWorkflowStep } from '../../../src/commands/workflow/step.js'
import type { JobInput } from '../../../src/domain/job.js'
import { next } from '../../../src/domain/machine.js'
import { DatabaseError } from '../../../src/errors.js'
import { stepWorker } from '../../../src/jobs/workflow-steps.js'
import { clientOptions } from '../../../src/slack/api/client.js'
import { completeStep } from '../../../src/slack/api/steps.js'
import { stepOutcome } from '../../../src/slack/message/step.js'
import type { BoltApp } from '../../../src/slack/transport/bolt-app.js'
import { findDueWork } from '../../../src/store/due-work.js'
import { applyTransition } from '../../../src/store/jobs.js'
import { refuseStep, StepRefused } from '../../../src/store/workflow-steps.js'
import { testBoltApp, testPeople, testServices } from '../../helpers/bolt-app.js'
import { silentLog, type TestContext, testContext } from '../../helpers/context.js'
import { quietLogger } from '../../helpers/slack-request.js'

const everyone: Rule = { who: ['members'], may: ['*'], on: ['*'], target: ['*'] }

let context: TestContext
let app: BoltApp
let rules: Rule[]
let client: WebClient
/** What Slack was told, by method. */
let told: { method: string; execution: string; outputs?: unknown; error?: string | undefined }[]
let slackSays: object
/** For each acknowledgement, how many jobs and refused steps were stored by then. */
let acknowledgedWith: number[]
let errors: string[]

beforeEach(async () => {
  errors = []
  context = await testContext({ log: { ...silentLog, error: (_: object, message: string) => errors.push(message) } })
  rules = [everyone]
  told = []
  slackSays = { ok: true }
  acknowledgedWith = []
  const fetchOf: typeof fetch = async (input, init) => {
    const method = String(input instanceof Request ? input.url : input).replace('http://slack.example/api/', '')
    const body = new URLSearchParams(await new Response(init?.body).text())
    const outputs = JSON.parse(body.get('outputs') ?? 'null') ?? undefined
    const error = body.get('error') ?? undefined
    const said = { ...(outputs && { outputs }), ...(error !== undefined && { error }) }
    told.push({ method, execution: body.get('function_execution_id') ?? '', ...said })
    return Response.json(slackSays)
  }
  app = testBoltApp(fetchOf)
  client = new WebClient('xoxb-1', { ...clientOptions('http://slack.example/api/', quietLogger), fetch: fetchOf })
  registerWorkflowStep(app, testServices(context, { access: { owner: '#platform', rules } }))
})
afterEach(() => context.db.destroy())

const request = 'dummy-one clone name=copy'

async function execute(inputs: object, execution = 'Fx1', at = app): Promise<void> {
  const event = {
    type: 'function_executed',
    function: { callback_id: 'clone_app' },
    inputs,
    function_execution_id: execution,
    workflow_execution_id: 'Wx1',
    event_ts: '1.1',
    bot_access_token: 'xwfp-secret',
  }
  const body = { type: 'event_callback', team_id: 'T1', event_id: 'Ev1', event_time: 1, event }
  const ack = async () => {
    acknowledgedWith.push((await jobs()).length + (await refusals()).length)
  }
  await at.processEvent({ body, ack })
}

async function refusals(): Promise<(string | null)[]> {
  const rows = await context.db.selectFrom('workflowSteps').select('refusal').where('jobId', 'is', null).execute()
  return rows.map(({ refusal }) => refusal)
}

async function jobs() {
  return await context.db.selectFrom('jobs').selectAll().execute()
}

async function go(id: string, ...inputs: JobInput[]): Promise<void> {
  for (const input of inputs) {
    const job = await context.job(id)
    await applyTransition(context.db, job, next(job, input, { now: context.now(), jitter: 0 }), context.now(), null)
  }
}

const done: JobInput[] = [
  { kind: 'begin' },
  { kind: 'wrote', ref: { id: 'a' }, deadlineMs: 60_000 },
  { kind: 'observed', observation: { phase: 'done', url: 'https://copy.example' }, nextStep: null },
]

async function runWorker(): Promise<void> {
  const worker = stepWorker(context, ({ executionId, outcome }) =>
    completeStep(client, executionId, stepOutcome(outcome)),
  )
  const due = await findDueWork(context.db, context.now())
  if (worker.countDue(due) > 0) await worker.runOnce(new AbortController().signal, () => {})
}

describe('a step that starts', () => {
  it('makes one job for the person who started the workflow, however often Slack sends it', async () => {
    await execute({ person: { id: 'U1', secret: 'x' }, request })
    await execute({ person: { id: 'U1', secret: 'x' }, request })
    const [job, ...others] = await jobs()
    expect(others).toEqual([])
    expect(job).toMatchObject({
      requester: 'U1',
      target: expect.stringContaining('copy'),
      channel: 'U1',
      askedIn: null,
    })
    expect(told).toEqual([])
    expect(JSON.stringify(await context.db.selectFrom('workflowSteps').selectAll().execute())).not.toContain('xwfp')
  })

  it.each([
    [
      'a person who may not',
      () => void rules.splice(0, 1, { ...everyone, who: ['U9'] }),
      request,
      "You can't use dummy-one.",
    ],
    [
      'a rule for a channel',
      () => void rules.splice(0, 1, { ...everyone, who: ['C1'] }),
      request,
      "You can't use dummy-one.",
    ],
    ['an unknown connection', () => {}, 'nowhere clone', `There's no command, connection or operation "nowhere"`],
    ['no operation', () => {}, 'help', `"help" doesn't say what to clone. Write what you would after /clone-app`],
    ['a missing answer', () => {}, 'dummy-one clone', 'Name: '],
  ])('fails at once with a sentence for %s', async (_, change, text, sentence) => {
    change()
    await execute({ person: { id: 'U1' }, request: text, channel: '' })
    await runWorker()
    expect(await jobs()).toEqual([])
    expect(told).toEqual([
      { method: 'functions.completeError', execution: 'Fx1', error: expect.stringContaining(sentence) },
    ])
  })

  it.each([
    ['the scope to see who is in it is missing', undefined, 'I lack the scope channels:read. Without'],
    [
      "the person who started it isn't in it",
      ['C2'],
      "Slack doesn't say that you're in the channel for the updates. Without",
    ],
  ])('fails at once, with what to do, for a channel where %s', async (_, channels, sentence) => {
    const people = testPeople(context, channels)
    const other = testBoltApp()
    registerWorkflowStep(other, testServices(context, { people }))
    await execute({ person: { id: 'U1' }, request, channel: 'C1' }, 'Fx1', other)
    expect(await refusals()).toEqual([expect.stringContaining(sentence)])
    expect(await jobs()).toEqual([])
  })

  it('posts updates to a channel that Slack says the person is in', async () => {
    const other = testBoltApp()
    registerWorkflowStep(other, testServices(context, { people: testPeople(context, ['C1']) }))
    await execute({ person: { id: 'U1' }, request, channel: 'C1' }, 'Fx1', other)
    expect(await jobs()).toMatchObject([{ channel: 'C1', askedIn: null }])
  })

  it('takes no person that a builder wrote down', async () => {
    await execute({ person: 'U1', request })
    await runWorker()
    expect(await jobs()).toEqual([])
    expect(told[0]?.error).toBe("This step doesn't have the inputs it needs. Add it to the workflow again.")
  })

  it('fails at once where a live job has the target', async () => {
    await execute({ person: { id: 'U1' }, request })
    await execute({ person: { id: 'U1' }, request }, 'Fx2')
    await runWorker()
    expect(await jobs()).toHaveLength(1)
    expect(told).toEqual([
      {
        method: 'functions.completeError',
        execution: 'Fx2',
        error: expect.stringMatching(/^Job \w{5} is already working on .* Nothing was started\.$/),
      },
    ])
  })
})

describe('a step is acknowledged', () => {
  const good = { person: { id: 'U1' }, request }

  it('once its job is stored', async () => {
    await execute(good)
    expect(acknowledgedWith).toEqual([1])
  })

  it('once the reason for its refusal is stored, which Slack then hears until it listens', async () => {
    await execute({ person: { id: 'U1' }, request: 'nowhere clone' })
    expect(acknowledgedWith).toEqual([1])
    expect(told).toEqual([])
    slackSays = { ok: false, error: 'internal_error' }
    await runWorker()
    context.pass(60_000)
    slackSays = { ok: true }
    await runWorker()
    context.pass(60_000)
    await runWorker()
    expect(told.map(({ error }) => error)).toEqual(Array(2).fill(expect.stringContaining('"nowhere"')))
  })

  it('not at all when nothing could be stored, so that Slack sends it again', async () => {
    // As in src/app.ts.
    app.error(async () => {})
    await context.db.destroy()
    await expect(execute(good)).rejects.toThrow("A step of a workflow wasn't taken.")
    expect(acknowledgedWith).toEqual([])
  })

  it('not at all when the database is away for a moment, which is no reason to refuse it', async () => {
    let isAway = true
    const failing: KyselyPlugin = {
      transformQuery: ({ node }) => {
        if (!isAway) return node
        isAway = false
        throw new DatabaseError('The database is busy.', { mayHaveHappened: false })
      },
      transformResult: async ({ result }) => result,
    }
    const away = testBoltApp()
    away.error(async () => {})
    const db = context.db.withPlugin(failing)
    registerWorkflowStep(away, { ...testServices(context, { access: { owner: '#platform', rules } }), db })
    await expect(execute(good, 'Fx1', away)).rejects.toThrow("A step of a workflow wasn't taken.")
    expect([acknowledgedWith, await refusals()]).toEqual([[], []])
    await execute(good, 'Fx1', away)
    expect([acknowledgedWith, (await jobs()).length]).toEqual([[1], 1])
  })

  it('again without a second job when Slack sends it while the first is still being prepared', async () => {
    await Promise.all([execute(good), execute(good)])
    expect(await jobs()).toHaveLength(1)
    expect(acknowledgedWith).toEqual([1, 1])
    expect(await refusals()).toEqual([])
  })

  it('again without a job after it was refused, even if it would be allowed by now', async () => {
    const [rule = everyone] = rules.splice(0, 1)
    await execute(good)
    await runWorker()
    rules.push(rule)
    context.pass(5 * 60_000)
    await execute(good)
    await runWorker()
    expect(acknowledgedWith).toEqual([1, 1])
    expect(await jobs()).toEqual([])
    expect(told).toHaveLength(1)
  })

  it('without a job when the same step is refused while its job is made', async () => {
    await refuseStep(context.db, 'Fx1', 'No.', context.now())
    await expect(context.ask({ workflowStep: 'Fx1' })).rejects.toThrow(StepRefused)
    expect(await jobs()).toEqual([])
  })
})

describe('a step that waits', () => {
  beforeEach(() => execute({ person: { id: 'U1' }, request }))
  const theJob = async () => (await jobs())[0]?.id ?? ''

  it('ends hours later, when its job does, with the outputs', async () => {
    const id = await theJob()
    await runWorker()
    context.pass(5 * 60 * 60_000)
    await runWorker()
    expect(told).toEqual([])
    await go(id, ...done)
    await runWorker()
    await runWorker()
    const outputs = { job: id, state: 'succeeded', url: 'https://copy.example' }
    expect(told).toEqual([{ method: 'functions.completeSuccess', execution: 'Fx1', outputs }])
  })

  it('ends with the reason when its job fails or is cancelled', async () => {
    const id = await theJob()
    await go(id, { kind: 'begin' }, { kind: 'refused', reason: 'The name is taken.', failureKind: 'provider' })
    await runWorker()
    expect(told).toEqual([
      { method: 'functions.completeError', execution: 'Fx1', error: `Job ${id} failed. The name is taken.` },
    ])
  })

  it('that has ended already at Slack is left alone', async () => {
    await go(await theJob(), ...done)
    slackSays = { ok: false, error: 'execution_not_in_running_state' }
    await runWorker()
    context.pass(60_000)
    await runWorker()
    expect(told).toHaveLength(1)
  })

  it('is told again a minute later when Slack could not be told', async () => {
    await go(await theJob(), ...done)
    slackSays = { ok: false, error: 'internal_error' }
    await runWorker()
    await runWorker()
    expect(told).toHaveLength(1)
    context.pass(60_000)
    slackSays = { ok: true }
    await runWorker()
    await runWorker()
    expect(told).toHaveLength(2)
  })

  it('is given up when Slack could not be told for a day', async () => {
    await go(await theJob(), ...done)
    slackSays = { ok: false, error: 'invalid_auth' }
    const HOUR = 60 * 60_000
    for (let hours = 0; hours < 30; hours += 1) {
      await runWorker()
      context.pass(HOUR)
    }
    expect(told).toHaveLength(25)
    expect(errors).toEqual(["Slack couldn't be told for a day how a step of a workflow ended: given up"])
  })

  it('is given up at once when Slack will never take what it is told', async () => {
    await go(await theJob(), ...done)
    slackSays = { ok: false, error: 'parameter_validation_failed' }
    await runWorker()
    context.pass(60_000)
    await runWorker()
    expect(told).toHaveLength(1)
    expect(errors).toEqual(['Slack refuses to hear how a step of a workflow ended'])
  })

  it('that was refused is forgotten two days later', async () => {
    await execute({ person: { id: 'U1' }, request: 'nowhere clone' }, 'Fx2')
    await runWorker()
    expect(await refusals()).toHaveLength(1)
    context.pass(49 * 60 * 60_000)
    await go(await theJob(), ...done)
    await runWorker()
    expect(await refusals()).toEqual([])
  })
})
