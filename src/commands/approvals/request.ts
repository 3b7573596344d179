/** Asks for other people's approval where a rule wants it: who, how many, and what they read. */
import { type ApprovalRule, type Decision, hasEnoughApprovers, type Person } from '../../access/rules.js'
import type { ApprovalRequest } from '../../domain/job.js'
import { isChannel } from '../../domain/thread.js'
import { UserError } from '../../errors.js'
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
 * the rule of the decision that allows the job.
 *
 * @param preview what the person who asks was shown: what is copied and what isn't, or what is deleted.
 * @throws UserError when there can't be enough people without the one who asks.
 */
export function approvalFor(
  { access, now }: Pick<Services, 'access' | 'now'>,
  asker: Person,
  rule: ApprovalRule | undefined,
  { copied, notCopied, warning, downtime = '' }: Pick<Preview, 'copied' | 'notCopied' | 'warning' | 'downtime'>,
): ApprovalRequest | null {
  if (rule === undefined) return null
  assertEnoughApprovers({ access }, asker, rule)
  const { by, count, expiresMs } = rule
  const part = (text: string) => cut(text, MAX_PART_LENGTH)
  return {
    by: [...new Set(by)],
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
  rule: ApprovalRule | undefined,
): void {
  if (rule === undefined || hasEnoughApprovers(rule, asker)) return
  const others = rule.count === 1 ? 'Someone else' : `${rule.count} other people`
  throw new UserError(
    `${others} must approve this, but the rule names too few people besides you. Ask ${access.owner}.`,
  )
}

/**
 * Why a request for approval can't have its thread in this conversation: direct messages are read by nobody who could agree.
 * Undefined if it can, or if no approval is needed.
 */
export function placeProblem(rule: ApprovalRule | undefined, channel: string): string | undefined {
  if (rule === undefined || isChannel(channel)) return undefined
  return 'Others must approve this, so post updates to a channel that they read. To choose one, type /clone-app there.'
}

/**
 * The approval that several decisions on one job ask for together.
 *
 * @throws UserError when two of them ask for different ones: approvers of the one may not be approvers of the other.
 */
export function strictestApproval(decisions: readonly Decision[]): ApprovalRule | undefined {
  const approvals = decisions.flatMap(({ rule }) => rule?.approval ?? [])
  const [first, ...others] = new Set(approvals.map((approval) => JSON.stringify(approval)))
  if (first === undefined || others.length === 0) return approvals[0]
  throw new UserError(
    'Two rules ask different people to approve this, because a name has spaces in it. Use a name without spaces.',
  )
}

/** What the last page says of it, as mrkdwn. */
export function approvalNotice({ by, count, expiresMs }: ApprovalRule): string {
  const time = expiresMs % DAY_MS === 0 ? durationInWords(expiresMs) : inWords(expiresMs)
  const must = `must approve this within ${time}`
  const someone = by.includes('members') ? 'Another full member' : approverNames(by)
  const several = by.includes('members')
    ? `${count} other full members ${must}`
    : `${count} people ${must}: ${approverNames(by)}`
  return `*Approval*\n${count === 1 ? `${someone} ${must}` : several}. Nothing is sent until then.`
}
