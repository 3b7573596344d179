/** The step "Clone an app" of Slack's Workflow Builder: starts a job for the person who started the workflow. */
import type { App } from '@slack/bolt'
import { z } from 'zod'
import type { Asker } from '../../access/rules.js'
import type { Job } from '../../domain/job.js'
import { DatabaseError, UserError } from '../../errors.js'
import { within } from '../../lib/within.js'
import { answersOfSaved } from '../../slack/form/saved.js'
import { createJob, findSubmitted } from '../../store/jobs.js'
import { isStepKnown, refuseStep, StepRefused } from '../../store/workflow-steps.js'
import { approvalFor } from '../approvals/request.js'
import { accessDenied, allowedConnections, identifyAsker } from '../authorize.js'
import { parseCommand } from '../clone/command.js'
import { prepareJob } from '../clone/prepare-job.js'
import { jobOf } from '../clone/start-job.js'
import { problemsIn } from '../presets/run.js'
import { explain, findTarget, type Services } from '../services.js'
import { mentions, readPreferences } from '../settings/preferences.js'

/** As the manifest has it. */
export const CLONE_STEP = 'clone_app'

/** For all that is read at Slack and the provider before the job is stored, in milliseconds: nobody waits at a screen. */
const PREPARE_TIMEOUT_MS = 20_000

/** The inputs, as the manifest has them. */
export const Inputs = z.object({
  /** Slack sets it: a workflow's builder can't choose someone else. */
  person: z.object({ id: z.string().regex(/^[UW][A-Z0-9]{1,30}$/) }),
  /** As after `/clone-app`. */
  request: z.string().max(3_000),
  channel: z.string().max(40).optional(),
})

/**
 * Acknowledges a step once its job, or why it gets none, is stored: Slack sends a step again that wasn't acknowledged within
 * seconds, at once, after a minute and after five. So nothing is lost when this process dies while it prepares the job.
 */
export function registerWorkflowStep(app: App, services: Services): void {
  app.function(CLONE_STEP, { autoAcknowledge: false }, async ({ event, body, ack }) => {
    const execution = event.function_execution_id
    try {
      await startJob(services, event.inputs, { execution, team: body.team_id })
    } catch (error) {
      // Not acknowledged, so that Slack sends it again.
      if (error instanceof DatabaseError) throw error
      if (!(error instanceof StepRefused)) {
        const sentence = error instanceof z.ZodError ? NO_INPUTS : explain(services, error)
        await refuseStep(services.db, execution, sentence, services.now())
        services.wake()
      }
    }
    await ack()
  })
}

const NO_INPUTS = "This step doesn't have the inputs it needs. Add it to the workflow again."

/**
 * One execution becomes one job, however often Slack sends it, also at the same time.
 *
 * @throws StepRefused when the same execution was refused meanwhile.
 * @throws UserError for what the workflow's builder, or the person who started it, can mend.
 */
async function startJob(
  services: Services,
  inputs: unknown,
  { execution, team }: { execution: string; team: string },
): Promise<void> {
  const { person, request, channel } = Inputs.parse(inputs)
  const submission = `step:${execution}`
  if ((await isStepKnown(services.db, execution)) || (await findSubmitted(services.db, submission))) return
  const startedAt = services.elapsed()
  const remainingMs = () => startedAt + PREPARE_TIMEOUT_MS - services.elapsed()
  // No channel: the workflow's builder chooses it, so no rule for a channel may match.
  const asker = await identifyAsker(services, { user: person, team: { id: team } }, PREPARE_TIMEOUT_MS)
  const parsed = parseCommand(request, allowedConnections(services, asker), services.connections)
  if (parsed.kind === 'refused') throw accessDenied(services, asker, parsed.act)
  if (parsed.kind !== 'form')
    throw new UserError(
      `"${request}" doesn't say what to clone. Write what you would after /clone-app: the connection, the operation and its fields.`,
    )
  const target = findTarget(services, parsed.connection, parsed.operation)
  const answers = answersOfSaved(target.operation, { values: parsed.values, labels: {} })
  const place = { channel: channel ? await confirmed(services, asker, channel) : asker.id }
  const prepared = await prepareJob({ ...services, remainingMs }, asker, target, answers, place)
  if (prepared.kind === 'unread') throw new UserError(prepared.reason)
  if (prepared.kind === 'errors') throw new UserError(problemsIn(target.operation, prepared.errors))
  if (prepared.kind === 'locked') return await refuseUnlessOurs(prepared.holder)
  const { params, approval: rule, checked, keepForMs, answers: resolved } = prepared
  const preview = target.operation.preview(params, resolved.named)
  const warnings = checked.isChecked ? checked.warnings : []
  const warning = [...warnings, ...(preview.warning ? [preview.warning] : [])].join(' ')
  const approval = approvalFor(services, asker, rule, { ...preview, warning })
  // There's no form to ask, so what this person prefers counts.
  const { onFailure: mentionOnFailure, onSuccess: mentionOnSuccess } = mentions(
    (await readPreferences(services.db, asker.id, null)).tell,
  )
  const rest = { channel: prepared.channel, askedIn: null, mentionOnSuccess, keepForMs, params, approval }
  const job = jobOf(target, { named: resolved.named, ...rest }, { submission, requester: asker.id })
  const creation = await createJob(services.db, { ...job, mentionOnFailure, workflowStep: execution }, services.now())
  if (creation.kind === 'locked') return await refuseUnlessOurs(creation.holder)
  services.log.info({ job: creation.job.id, execution }, 'a workflow asked for a job')
  services.wake()

  /** Slack may have sent the same execution twice at once. */
  async function refuseUnlessOurs({ id, target: place }: Job): Promise<void> {
    if ((await findSubmitted(services.db, submission))?.id === id) return
    throw new UserError(`Job ${id} is already working on ${place}. Nothing was started.`)
  }
}

const WITHOUT_CHANNEL = 'Without "Post updates to", they go to direct messages.'

/**
 * The channel that the workflow's builder chose, if the person who started the workflow is in it. They typed nothing there, so only
 * Slack can say.
 *
 * @throws UserError when they aren't, or Slack can't say.
 */
async function confirmed({ people }: Services, { id }: Asker, channel: string): Promise<string> {
  if (people.choosableChannels === 'none')
    throw new UserError(`I can't post updates to a channel here: I lack the scope channels:read. ${WITHOUT_CHANNEL}`)
  const status = await within(PREPARE_TIMEOUT_MS, people.channelStatus(id, channel))
  if (status === 'joined') return channel
  if (status === 'shared')
    throw new UserError(`I can't post updates to a channel that is shared with another company. ${WITHOUT_CHANNEL}`)
  throw new UserError(`Slack doesn't say that you're in the channel for the updates. ${WITHOUT_CHANNEL}`)
}
