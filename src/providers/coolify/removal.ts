/** The deletion of a clone on Coolify, whole or not. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, checkGone, type Lookup, type Removal, removalStep, rows } from '../provider.js'
import { type Kind, pathOf, text } from './api.js'
import type { CoolifyRef } from './status.js'

/** A request may be held by a proxy, and then wait in Coolify's queue. Nothing shows that a deletion waits there. */
const ABSENT_AFTER_MS = 120_000

const thing = z.object({ uuid: text, status: text.catch('unknown') })
type Thing = z.infer<typeof thing>

export function removalOf(kind: Kind): Removal<CoolifyRef> {
  const lookUp = (api: Api): Lookup<Thing> => ({
    list: () => api.get(`/${kind}s`, rows(api, thing)),
    id: ({ uuid }) => uuid,
    one: (id) => unlessNotFound(api.get(pathOf(kind, id), thing)),
  })
  return {
    loses: `The ${kind} with its variables, settings and volumes, and all data in them. Server paths that it shares with its source stay.`,
    steps: [
      removalStep<CoolifyRef, Thing>({
        noun: kind,
        absentAfterMs: ABSENT_AFTER_MS,
        read: (api, { id }) => lookUp(api).one(id),
        // Others may have its name, for Coolify takes a name twice, but never its ID.
        isOurs: ({ uuid }, { id }) => uuid === id,
        isDeleting: () => false,
        // By default Coolify would clean up the whole server, too.
        send: (api, { id }) => api.delete(pathOf(kind, id), z.unknown(), { query: { docker_cleanup: false } }),
        check: checkGone(
          ({ id }) => id,
          lookUp,
          ({ status }) => `still there (${status.split(':')[0]})`,
        ),
      }),
    ],
  }
}
