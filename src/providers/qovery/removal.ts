/** The deletion of a clone on Qovery, deployed or not: of a service or of a whole environment. */
import { z } from 'zod'
import { TemporaryError, unlessNotFound } from '../../errors.js'
import { type Api, findSurely, type Observation, type Removal, removalStep, settleEach } from '../provider.js'
import { entries, ifHidden, isBusy, item, organizationOf } from './api.js'
import { endOf, type QoveryRef, readStatuses, type Status, type Statuses, unreadable } from './status.js'

const DELETING = ['DELETE_QUEUED', 'DELETING', 'WAITING_DELETING']
const GONE = 'DELETED'

export function removalOf(noun: string, loses: string): Removal<QoveryRef> {
  return {
    loses,
    steps: [
      removalStep<QoveryRef, Status>({
        noun,
        absentAfterMs: 30_000,
        read: async (api, ref) => await readStatus(api, await readEnvironmentOf(api, ref.environment), ref),
        // Qovery never uses an ID again.
        isOurs: (found, { id }) => found.id === id,
        isDeleting: ({ state }) => DELETING.includes(state),
        async send(api, { kind, id }) {
          await api.delete(`/${kind}/${id}`, z.unknown()).catch((error: unknown) => {
            throw isBusy(error) ? new TemporaryError(error.message, { mayHaveHappened: false }) : error
          })
        },
        // How an earlier deployment or deletion had ended still shows for some seconds.
        keep: (ref, status) => ({ ...ref, previous: endOf(status) }),
        check,
      }),
    ],
  }
}

/** Polls deletions. Reads each environment once, and what isn't in it by itself. */
async function check(api: Api, refs: readonly QoveryRef[]): Promise<(Observation<QoveryRef> | Error)[]> {
  const environments = [...new Set(refs.map((ref) => ref.environment))]
  const answers = await settleEach(environments, async (id) => {
    const all = await readEnvironmentOf(api, id)
    const own = refs.filter((ref) => ref.environment === id)
    const seen = await settleEach(own, async (ref): Promise<Observation<QoveryRef>> => {
      const status = await readStatus(api, all, ref)
      return status === null ? { phase: 'done' } : observe(ref, status)
    })
    return new Map(own.map((ref, at) => [ref, seen[at]]))
  })
  return refs.map((ref) => {
    const answer = answers[environments.indexOf(ref.environment)] ?? unreadable()
    return answer instanceof Error ? answer : (answer.get(ref) ?? unreadable())
  })
}

/** The statuses of an environment; null if there surely is none. Qovery may answer 403 for what doesn't exist. */
async function readEnvironmentOf(api: Api, id: string): Promise<Statuses | null> {
  try {
    return await unlessNotFound(readStatuses(api, id))
  } catch (error) {
    ifHidden(error)
    const all = await api.get(`/organization/${await organizationOf(api)}/environments`, entries)
    if (findSurely(all, (one) => (one.id === undefined ? undefined : one.id === id))) throw error
    return null
  }
}

/** A clone's status; null if it is gone. What its environment doesn't show must be hidden or missing by itself, too. */
async function readStatus(api: Api, all: Statuses | null, { kind, id }: QoveryRef): Promise<Status | null> {
  const status = all?.byId.get(id)
  if (status) return status.state === GONE ? null : status
  if (all?.hasGaps || (await api.get(`/${kind}/${id}`, item).catch(ifHidden))) throw unreadable()
  return null
}

function observe(ref: QoveryRef, status: Status): Observation<QoveryRef> {
  const [consoleUrl, { state }] = [ref.console, status]
  const end = endOf(status)
  if (state === 'DELETE_ERROR' && end !== ref.previous)
    return { phase: 'failed', consoleUrl, detail: 'Qovery failed to delete it. Its log in the console says why.' }
  const isWaiting = state === 'READY' || end !== undefined
  const detail = isWaiting ? 'waiting for the deletion to start' : state.toLowerCase().replaceAll('_', ' ')
  return { phase: 'working', consoleUrl, detail }
}
