/** A job as it comes from the database, in any state. */
import { FINAL_STATES, type Job, type State } from '../../src/domain/job.js'

export const start = Date.parse('2026-11-21T09:13:00Z')

export function jobIn(state: State, rest: Partial<Job> = {}): Job {
  return {
    id: 'k7f3q',
    connection: 'hoody-prod',
    operation: 'copy',
    params: {},
    personal: [],
    source: 'shop-api',
    target: 'shop-copy in staging',
    lock: 'shop-copy',
    state,
    step: 'copy',
    stepSince: start,
    ref: null,
    attempt: 1,
    waitReason: null,
    failureKind: null,
    postponedSince: null,
    baseline: null,
    waitingSince: null,
    strandedSince: null,
    canDismiss: false,
    dueAt: null,
    deadlineAt: null,
    lostStatus: null,
    unreachableSince: null,
    isUnreachableReported: false,
    detail: null,
    url: null,
    consoleUrl: null,
    requester: 'U1',
    mentionOnSuccess: false,
    askedIn: 'C1',
    channel: 'C1',
    createdAt: start,
    startedAt: start,
    endedAt: FINAL_STATES.some((final) => final === state) ? start + 12_000 : null,
    version: 3,
    ...rest,
  }
}
