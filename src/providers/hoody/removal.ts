/** The deletion of a copy on Hoody, finished or not. */
import { z } from 'zod'
import { TemporaryError, UserError } from '../../errors.js'
import { type Api, checkGone, maskIds, type Removal, removalStep } from '../provider.js'
import { IN_PROGRESS } from './api.js'
import { type HoodyRef, lockOf, lookUpContainers, type State } from './status.js'

/** How long to wait for a copy that is still being made: Hoody deletes nothing that is busy. */
const BUSY_MS = 30_000

export const removal: Removal<HoodyRef> = {
  loses: 'The container with its whole disk and all data on it, its snapshots and its shares.',
  // Not while a sync writes to it.
  lock: ({ id }) => lockOf(id),
  steps: [
    removalStep<HoodyRef, State>({
      noun: 'container',
      absentAfterMs: 30_000,
      read: readContainer,
      // Hoody never uses an ID again.
      isOurs: (found, { id }) => found.id === id,
      isDeleting: ({ status }) => status === 'deleting',
      async send(api, { id }, { status }) {
        const sent = api.delete(`/api/v1/containers/${id}`, z.unknown())
        await sent.catch((error: unknown) => {
          const isBusy = error instanceof UserError && error.status === 409 && IN_PROGRESS.includes(status)
          if (!isBusy) throw error
          throw new TemporaryError(`The container is still ${status}.`, {
            mayHaveHappened: false,
            retryAfterMs: BUSY_MS,
          })
        })
      },
      check: checkGone(({ id }) => id, lookUpContainers, stateOf),
    }),
  ],
}

/** Null also for one that Hoody still shows as deleted. */
async function readContainer(api: Api, { id }: HoodyRef): Promise<State | null> {
  const found = await lookUpContainers(api).one(id)
  return found?.status === 'deleted' ? null : found
}

function stateOf({ status }: State): string | null {
  if (status === 'deleted') return null
  return maskIds(status === 'deleting' ? status : `still there (${status})`)
}
