/** Shortcuts: the form from anywhere, and from a message that names what to clone. */
import type { App, GlobalShortcut, MessageShortcut } from '@slack/bolt'
import type { WebClient } from '@slack/web-api'
import { z } from 'zod'
import type { Asker } from '../../access/rules.js'
import { noticeView } from '../../slack/form/view.js'
import { findJob } from '../../store/jobs.js'
import { answerPrivately } from '../answer.js'
import { AFTER_ACK_TIMEOUT_MS, identifyAsker } from '../authorize.js'
import { openFromCommand } from '../clone/command.js'
import { openFormOf } from '../clone/from-job.js'
import { openForm } from '../clone/open-form.js'
import { may } from '../jobs/access.js'
import type { Services } from '../services.js'
import { errorAnswer } from '../slash-command.js'
import { Throttle, tooManyRequests } from '../throttle.js'
import { findSource } from './find-source.js'
import { mentionedJobs } from './mentions.js'

/** As the manifest has them. */
export const shortcuts = { clone: 'clone_app', fromMessage: 'clone_from_message' } as const

export function registerShortcuts(app: App, services: Services): void {
  const throttle = new Throttle()
  const waitOf = (user: string) => {
    const { waitMs } = throttle.take(user, services.elapsed())
    return waitMs > 0 ? tooManyRequests(waitMs, 'use the shortcut again') : null
  }

  app.shortcut<GlobalShortcut>(
    { type: 'shortcut', callback_id: shortcuts.clone },
    async ({ ack, shortcut, client }) => {
      await ack()
      const { trigger_id: triggerId, user } = shortcut
      const problem =
        waitOf(user.id) ?? (await failureOf(services, async () => await openAnywhere(services, client, shortcut)))
      if (problem === null) return
      // There is no channel to answer in.
      await client.views
        .open({ trigger_id: triggerId, view: noticeView('Dolly', problem) })
        .catch((error: unknown) =>
          services.log.warn({ err: error, problem }, 'Slack did not open the answer to a shortcut'),
        )
    },
  )

  app.shortcut<MessageShortcut>(
    { type: 'message_action', callback_id: shortcuts.fromMessage },
    async ({ ack, shortcut, client, respond }) => {
      await ack()
      const problem =
        waitOf(shortcut.user.id) ??
        (await failureOf(services, async () => await openFromMessage(services, client, shortcut)))
      if (problem !== null) await answerPrivately(services, respond, problem)
    },
  )
}

/** What the person reads if it fails, as mrkdwn; null if nothing is to be said. */
async function failureOf(services: Services, open: () => Promise<string | null>): Promise<string | null> {
  try {
    return await open()
  } catch (error) {
    return errorAnswer(services, error)
  }
}

/** Slack names no channel, so rules for channels don't fit, and updates go to the person's direct messages. */
async function openAnywhere(services: Services, client: WebClient, shortcut: GlobalShortcut): Promise<string | null> {
  const asker = await identifyAsker(services, shortcut, AFTER_ACK_TIMEOUT_MS)
  return await openPlain({ services, client, asker, triggerId: shortcut.trigger_id, channel: '' })
}

interface Opening {
  services: Services
  client: WebClient
  asker: Asker
  triggerId: string
  channel: string
}

/** As `/clone-app` alone does. */
async function openPlain(opening: Opening): Promise<string | null> {
  const answer = await openFromCommand({ ...opening, text: '', words: [], values: {} })
  return typeof answer === 'string' ? answer : null
}

/** The form of the job that the message names, or of the app, or else an empty one. */
async function openFromMessage(
  services: Services,
  client: WebClient,
  { user, team, channel, message, trigger_id: triggerId }: MessageShortcut,
): Promise<string | null> {
  const asker = await identifyAsker(services, { user, team, channel }, AFTER_ACK_TIMEOUT_MS)
  const opening = { services, client, asker, triggerId, channel: channel.id }
  const text = message.text ?? ''
  for (const jobId of mentionedJobs(`${smallPrintOf(message.blocks)} ${text}`)) {
    const job = await findJob(services.db, jobId)
    // People who can't see it get the form that everyone gets.
    if (!job || job.removes !== null || !(await may(services, asker, job, 'status'))) continue
    await openFormOf({ ...opening, jobId }, channel.id)
    return null
  }
  const source = await findSource(services, asker, text)
  if (!source) return await openPlain(opening)
  await openForm(opening, source.target, source.values)
  return null
}

const Context = z.object({
  type: z.literal('context'),
  elements: z.array(z.object({ text: z.string() }).catch({ text: '' })),
})

/** A message's text leaves out its small print, and that is where Dolly's own messages have the id of their job. */
function smallPrintOf(blocks: unknown): string {
  const all: unknown[] = Array.isArray(blocks) ? blocks : []
  return all.flatMap((block) => Context.safeParse(block).data?.elements.map(({ text }) => text) ?? []).join(' ')
}
