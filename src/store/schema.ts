/** The tables as Kysely sees them, and how a row becomes a job. Columns are snake_case there and camelCase here. */
import type { Generated, Kysely, Selectable } from 'kysely'
import type { Job, JobEvent } from '../domain/job.js'

export type Database = Kysely<Schema>

export interface Schema {
  jobs: JobTable
  events: EventTable
  drafts: DraftTable
}

/** A job's own columns, and what only the store and the senders need. Times are milliseconds since 1970. */
export interface JobTable
  extends Omit<Job, 'params' | 'personal' | 'ref' | 'isUnreachableReported' | 'mentionOnSuccess' | 'canDismiss'> {
  /** JSON. */
  params: string
  /** JSON of those that are deleted when the job ends; null from then on, and if there are none. */
  personalParams: string | null
  /** JSON. */
  ref: string | null
  /** 0 or 1. */
  isUnreachableReported: number
  /** 0 or 1. */
  mentionOnSuccess: number
  /** 0 or 1. */
  canDismiss: number
  /** What was submitted, so that one submission that arrives twice is one job. */
  submission: string
  /** When posting the root was begun; set without `rootTs`, nobody knows whether it stands there. */
  rootAttemptedAt: number | null
  /** How often posting the root was begun that may stand there. */
  rootTries: number
  /** The job's version that the root message shows. */
  rootVersion: number | null
  /** How often the thread moved. */
  moves: Generated<number>
  /** Where the root stands that the thread left behind when it moved; null once it says how the job ended. */
  oldRootChannel: string | null
  oldRootTs: string | null
  /** 0 or 1: whether that root says where the job goes on. */
  oldRootSaysMoved: Generated<number>
  /** How often Slack refused its edit with a possibly temporary error. */
  oldRootRefusals: Generated<number>
  /** How often in a row Slack refused messages in the thread's present place with an error that says nothing about the place. */
  placeRefusals: Generated<number>
  /** Token of the worker that works at the job; null if it is free. */
  claimToken: string | null
  /** The same for telling. */
  teller: string | null
  tellerUntil: number | null
}

export interface EventTable extends JobEvent {
  /** When telling it was begun; set without `toldAt`, nobody knows whether Slack took it. */
  attemptedAt: number | null
  /** How often telling it ended in doubt. */
  tries: number
  /** The message that tells it in the thread, if one does. */
  replyTs: string | null
  /** When both its reply stood and the root showed it. */
  toldAt: number | null
}

/** The answers of page 2, or the note of where a form was opened. */
export type DraftKind = 'answers' | 'opening'

export interface DraftTable {
  id: string
  kind: DraftKind
  requester: string
  /** JSON. */
  answers: string
  createdAt: number
}

/** A claim on the telling of threads. */
export interface Lease {
  worker: string
  now: number
  leaseMs: number
}

/**
 * No claim and no pause is meant to last as long, in milliseconds: one that seems to was dated by a clock that was set back
 * since, and is over.
 */
export const MAX_CLAIM_MS = 15 * 60_000

export function toJob(row: Selectable<JobTable>): Job {
  const {
    personalParams,
    submission,
    rootAttemptedAt,
    rootTries,
    rootVersion,
    moves,
    oldRootChannel,
    oldRootTs,
    oldRootSaysMoved,
    oldRootRefusals,
    placeRefusals,
    claimToken,
    teller,
    tellerUntil,
    ...columns
  } = row
  const personal = JSON.parse(personalParams ?? '{}')
  return {
    ...columns,
    params: { ...JSON.parse(row.params), ...personal },
    personal: Object.keys(personal),
    ref: row.ref === null ? null : JSON.parse(row.ref),
    isUnreachableReported: row.isUnreachableReported === 1,
    mentionOnSuccess: row.mentionOnSuccess === 1,
    canDismiss: row.canDismiss === 1,
  }
}
