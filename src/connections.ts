/** The connections of dolly.yml, each with its provider and its client; and what a job is called, which its provider knows. */
import { type Config, ConfigError } from './config/env.js'
import type { Job } from './domain/job.js'
import { type Meter, noMeter } from './metrics/meter.js'
import { createApi, type Shared } from './providers/http.js'
import * as listed from './providers/index.js'
import { measuredApi } from './providers/measured.js'
import { type Connection, mustDeleteFirst, operationOf, type Provider, stepsOf } from './providers/provider.js'
import type { JobDescription } from './slack/message/job.js'
import { readApprovals } from './store/approvals.js'
import { typicalDurationMs } from './store/job-reads.js'
import type { Database } from './store/schema.js'

export const providers: readonly Provider[] = Object.values(listed)

/** @throws ConfigError for a provider that doesn't exist. */
export function connect(config: Config, shared: Shared & { meter?: Meter }): Map<string, Connection> {
  const { meter = noMeter, elapsed = () => performance.now() } = shared
  return new Map(
    config.connections.map(({ name, provider: id, settings, expiry }) => {
      const provider = providers.find((candidate) => candidate.id === id)
      if (!provider) throw new ConfigError([`connections.${name}.provider is "${id}", which is no provider.`])
      const client = provider.client(settings)
      const plain = createApi(name, client, undefined, shared)
      const api = measuredApi(plain, { connection: name, provider: id }, { meter, elapsed })
      return [name, { name, provider, host: new URL(client.baseUrl).host, api, expiry }]
    }),
  )
}

/** A job with the words of its provider, and how long such jobs usually take. `now`: milliseconds since 1970. */
export async function describeJob(
  db: Database,
  connections: ReadonlyMap<string, Connection>,
  job: Job,
  now: number,
): Promise<JobDescription> {
  const connection = connections.get(job.connection)
  const provider = connection?.provider
  const operation = operationOf(provider, job.operation)
  const steps = operation ? stepsOf(operation, job) : []
  const answers = job.approval === null ? [] : await readApprovals(db, job.id)
  const answeredBy = (wanted: 'approve' | 'deny') =>
    answers.filter(({ decision }) => decision === wanted).map(({ person }) => person)
  return {
    job,
    title: job.removes === null ? (operation?.title ?? job.operation) : 'Delete the clone',
    provider: provider?.name ?? job.connection,
    steps: new Map(steps.map((step) => [step.id, step])),
    hasRemoval: operation && operation.removal !== undefined,
    mustDeleteFirst: operation !== undefined && mustDeleteFirst(operation, job),
    isDeletedAtEnd: operation?.removal !== undefined && connection?.expiry.atEnd === 'delete',
    approvedBy: answeredBy('approve'),
    deniedBy: answeredBy('deny')[0],
    typicalMs: await typicalDurationMs(db, { ...job, lastStep: steps.at(-1)?.id ?? '' }),
    now,
  }
}
