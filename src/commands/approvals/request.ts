/** Asks for other people's approval where a rule wants it: who, how many, and what they read. */
import { type Approval, type ApprovalRule, hasEnoughApprovers, type Person } from '../../access/rules.js'
import type { ApprovalRequest } from '../../domain/job.js'
import { UserError } from '../../errors.js'
import { isChannel } from '../../lib/channel.js'
import { durationInWords } from '../../lib/duration.js'
import { cut } from '../../lib/text.js'
import type { Preview } from '../../providers/provider.js'
import { approverNames, inWords } from '../../slack/text.js'
import type { Services } from '../services.js'

/** Characters of each part of what approvers read. */
const MAX_PART_LENGTH = 2_000
const DAY_MS = 24 * 3_600_000

/**
 * The approval that a rule asks for, as `createJob` takes it; null if it asks for none. Every caller of `createJob` passes
 * that of the decision that allows the job.
 *
 * @param preview what the person who asks was shown: what is copied and what isn't, or what is deleted.
 * @throws UserError when there can't be enough people without the one who asks.
 */
export function approvalFor(
  { access, now }: Pick<Services, 'access' | 'now'>,
  asker: Person,
  wanted: Approval | undefined,
  { copied, notCopied, warning, downtime = '' }: Pick<Preview, 'copied' | 'notCopied' | 'warning' | 'downtime'>,
): ApprovalRequest | null {
  if (wanted === undefined) return null
  assertEnoughApprovers({ access }, asker, wanted)
  const { by, needsRule, count, expiresMs } = wanted
  const part = (text: string) => cut(text, MAX_PART_LENGTH)
  return {
    by: [...new Set(by)],
    ...(needsRule && { needsRule }),
    count,
    expiresAt: now() + expiresMs,
    copied: part(`${copied} ${downtime}`.trim()),
    notCopied: part(notCopied),
    warning: warning ? part(warning) : null,
  }
}

/** @throws UserError when there can't be enough people without the one who asks. */
export function assertEnoughApprovers(
  { access }: Pick<Services, 'access'>,
  asker: Person,
  wanted: Approval | undefined,
): void {
  if (wanted === undefined || hasEnoughApprovers(wanted, asker)) return
  const others = wanted.count === 1 ? 'Someone else' : `${wanted.count} other people`
  throw new UserError(
    `${others} must approve this, but the rules name too few people besides you. Ask ${access.owner}.`,
  )
}

/**
 * Why a request for approval can't have its thread in this conversation: direct messages are read by nobody who could agree.
 * Undefined if it can, or if no approval is needed.
 */
export function placeProblem(wanted: ApprovalRule | undefined, channel: string): string | undefined {
  if (wanted === undefined || isChannel(channel)) return undefined
  return 'Others must approve this, so post updates to a channel that they read. To choose one, type /clone-app there.'
}

/**
 * The approval that several decisions on one job ask for together.
 *
 * @throws UserError when two of them ask for different ones: approvers of the one may not be approvers of the other.
 */
export function strictestApproval(wanted: readonly (Approval | undefined)[]): Approval | undefined {
  const approvals = wanted.filter((approval) => approval !== undefined)
  const [first, ...others] = new Set(approvals.map((approval) => JSON.stringify(approval)))
  if (first === undefined || others.length === 0) return approvals[0]
  throw new UserError(
    'Two rules ask different people to approve this, because a name has spaces in it. Use a name without spaces.',
  )
}

/** What the last page says of it, as mrkdwn. */
export function approvalNotice({ by, count, expiresMs }: Approval): string {
  const time = expiresMs % DAY_MS === 0 ? durationInWords(expiresMs) : inWords(expiresMs)
  const must = `must approve this within ${time}`
  const someone = by.includes('members') ? 'Another full member' : approverNames(by)
  const several = by.includes('members')
    ? `${count} other full members ${must}`
    : `${count} people ${must}: ${approverNames(by)}`
  return `*Approval*\n${count === 1 ? `${someone} ${must}` : several}. Nothing is sent until then.`
}
