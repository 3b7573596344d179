/** All workers of a context: what is slow in one holds up no other. */
import type { State } from '../domain/job.js'
import type { AuditKeys } from '../store/audit-chain.js'
import type { DueWork } from '../store/due-work.js'
import type { WorkerContext } from './context.js'
import { handleExpiries } from './expire.js'
import { type PublishHome, refreshHomes } from './homes.js'
import type { Notifier } from './notify.js'
import { pollDueJobs } from './poll.js'
import { type Keep, purgeWorker } from './purge.js'
import { reconcileLostWrites } from './reconcile.js'
import { runDueSchedules, type StartRun } from './schedule.js'
import type { Worker } from './scheduler.js'
import { sealWorker } from './seal.js'
import { releaseRememberedClaims } from './tasks.js'
import { handleWaitingJobs } from './waiting.js'
import { type CompleteStep, stepWorker } from './workflow-steps.js'
import { maxConcurrentWrites, writeNextJob } from './write.js'

const FOREVER: Keep = { jobsMs: null, eventsMs: null, auditMs: null }

interface Options {
  auditKeys?: AuditKeys
  /** Default: everything for ever. */
  keep?: Keep
  /** Tells Slack how a step of a workflow ended. */
  completeStep?: CompleteStep
  /** Brings one person's Home tab up to date. Left out where nobody has one. */
  publishHome?: PublishHome
  /** Starts one run of a schedule. Left out where there are no schedules. */
  startRun?: StartRun
}

/**
 * For each connection one worker that writes, one that reconciles lost writes and one that polls; one for jobs that wait for
 * a person or their connection; one for what expires; one that gives back claims that a full disk held; one that deletes
 * what is over; one that runs schedules; one that seals the audit; one for Slack's workflows; one that notifies; and one that
 * keeps open Home tabs fresh.
 */
export function createWorkers(
  context: WorkerContext,
  notifier: Pick<Notifier, 'notifyPending'>,
  {
    auditKeys = [],
    keep = FOREVER,
    completeStep = async () => 'told',
    publishHome = async () => 0,
    startRun,
  }: Options = {},
): Worker[] {
  const { connections, memory } = context
  const ofConnections = [...connections.keys()].flatMap((name): Worker[] => {
    const dueIn = (state: State) => counting(({ kind, connection }) => kind === state && connection === name)
    return [
      {
        name: `write ${name}`,
        maxConcurrent: maxConcurrentWrites(context, name),
        countDue: dueIn('queued'),
        runOnce: () => writeNextJob(context, name),
      },
      { name: `reconcile ${name}`, countDue: dueIn('starting'), runOnce: () => reconcileLostWrites(context, name) },
      { name: `poll ${name}`, countDue: dueIn('working'), runOnce: () => pollDueJobs(context, name) },
    ]
  })
  const isWaiting = ({ kind, connection }: DueWork) =>
    kind === 'uncertain' || kind === 'awaiting_approval' || (connection !== '' && !connections.has(connection))
  return [
    ...ofConnections,
    { name: 'waiting', countDue: counting(isWaiting), runOnce: () => handleWaitingJobs(context) },
    { name: 'expire', countDue: counting(({ kind }) => kind === 'expiry'), runOnce: () => handleExpiries(context) },
    {
      name: 'release',
      countDue: () => Math.min(memory.unreleased.size, 1),
      // withClaim has logged why. While the disk stays full, each tick tries again.
      runOnce: () => releaseRememberedClaims(context).catch(() => false),
    },
    ...(startRun
      ? [
          {
            name: 'schedule',
            countDue: counting(({ kind }) => kind === 'schedule'),
            runOnce: () => runDueSchedules(context, startRun),
          },
        ]
      : []),
    purgeWorker(context, keep),
    sealWorker(context, auditKeys),
    stepWorker(context, completeStep),
    {
      name: 'notify',
      countDue: counting(({ kind }) => kind === 'notify'),
      runOnce: (stopping, runAgainIn) => notifier.notifyPending(stopping, runAgainIn),
    },
    {
      name: 'homes',
      countDue: counting(({ kind }) => kind === 'home'),
      runOnce: (stopping) => refreshHomes(context, publishHome, stopping),
    },
  ]
}

function counting(isMine: (work: DueWork) => boolean): Worker['countDue'] {
  return (due) => due.filter(isMine).reduce((sum, { count }) => sum + count, 0)
}
