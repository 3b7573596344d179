/** /clone-app: acknowledges the command, finds out who typed it, and hands it to its verb or opens a form. */
import type { App } from '@slack/bolt'
import { comparable } from '../lib/text.js'
import { triggerProblem } from '../slack/api/errors.js'
import { answerPrivately, errorText } from './answer.js'
import { AFTER_ACK_TIMEOUT_MS, accessDenied, identifyAsker } from './authorize.js'
import { openFromCommand } from './clone/command.js'
import { parseCommandText } from './clone/command-text.js'
import { openFromPreset } from './presets/open.js'
import type { Services } from './services.js'
import { Throttle, tooManyRequests } from './throttle.js'
import type { CommandRequest, Verb } from './verb.js'

/** Slack stops repeating a command before this, in milliseconds. */
const REDELIVERED_WITHIN_MS = 10 * 60_000

export function registerSlashCommand(app: App, services: Services, verbs: readonly Verb[]): void {
  const throttle = new Throttle()
  app.command('/clone-app', async ({ command, ack, respond, client }) => {
    const { waitMs } = throttle.take(command.user_id, services.elapsed())
    if (waitMs > 0) {
      return await ack({ response_type: 'ephemeral', text: tooManyRequests(waitMs, 'type the command again') })
    }
    await ack()
    try {
      if (await isRedelivery(services, command.trigger_id ?? ''))
        return services.log.info({ user: command.user_id }, 'Slack delivered a command a second time')
      const { text, user_id: user, team_id: team, channel_id: channel, trigger_id: triggerId } = command
      const origin = { user: { id: user }, team: { id: team }, channel: { id: channel } }
      const asker = await identifyAsker(services, origin, AFTER_ACK_TIMEOUT_MS)
      const answer = await carryOut(verbs, { services, client, asker, text, words: [], values: {}, triggerId, channel })
      if (answer !== null) await answerPrivately(services, respond, answer)
    } catch (error) {
      const text = errorAnswer(services, error)
      if (text !== null) await answerPrivately(services, respond, text)
    }
  })
}

async function carryOut(verbs: readonly Verb[], request: CommandRequest) {
  // No rule fits a stranger, and what is theirs by id may be somebody else's: ids are those of a workspace.
  if (request.asker.membership === 'stranger') throw accessDenied(request.services, request.asker, 'use Dolly here')
  // Only the first word, because the rest may be a form's values, which have their own errors.
  const [first = ''] = request.text.trim().split(/\s+/)
  const verb = verbs.find((one) => one.words.includes(comparable(first)))
  if (!verb) {
    const preset = await openFromPreset(request)
    return 'answer' in preset ? preset.answer : await openFromCommand(request, preset.names)
  }
  return await verb.run({ ...request, ...parseCommandText(request.text.trim().slice(first.length)) })
}

/**
 * Whether a command was delivered before, to this process or another: Slack repeats one if it did not hear that it arrived, with
 * the same trigger id. An empty id never counts as a repeat.
 */
async function isRedelivery({ seenBefore, now }: Services, triggerId: string): Promise<boolean> {
  return triggerId !== '' && (await seenBefore(`command ${triggerId}`, now() + REDELIVERED_WITHIN_MS))
}

/** What a person reads when their command failed, as mrkdwn; null if there is nothing to say. */
export function errorAnswer(services: Services, error: unknown): string | null {
  if (triggerProblem(error) !== 'used') return errorText(services, error)
  // Slack delivered the command twice, and the form is open already.
  services.log.info({ err: error }, 'the form of this command is already open')
  return null
}
