/** The deletion of a clone on Cloud Foundry: of the app, then of the address that was reserved for it. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import {
  type Api,
  checkGone,
  type Lookup,
  type Removal,
  type RemovalStep,
  removalStep,
  removed,
  withSentence,
} from '../provider.js'
import { destinationsOf } from './address.js'
import { item, listReadable } from './api.js'
import { inBatches } from './poll.js'
import { removeApp } from './removal-app.js'
import { type CfRef, lockOf } from './status.js'
import { ABSENT_AFTER_MS, WRITE_TIMEOUT_MS } from './step.js'

const removeRoute = removalStep<CfRef, z.infer<typeof item>>({
  id: 'remove-address',
  noun: 'address',
  absentAfterMs: ABSENT_AFTER_MS,
  read: (api, { route = '' }) => unlessNotFound(api.get(`/v3/routes/${route}`, item)),
  isOurs: ({ guid }, { route }) => guid === route,
  isDeleting: () => false,
  send: (api, { route }) => api.delete(`/v3/routes/${route}`, z.unknown(), { timeoutMs: WRITE_TIMEOUT_MS }),
  check: checkGone(
    ({ route }) => route ?? '',
    lookUpRoutes,
    () => 'still there',
  ),
})

function lookUpRoutes(api: Api, refs: readonly CfRef[]): Lookup<z.infer<typeof item>> {
  return {
    async *list() {
      for (const guids of inBatches(refs.map(({ route = '' }) => route))) {
        yield { items: (await listReadable(api, '/v3/routes', item, { guids: guids.join(',') })).found, left: 0 }
      }
    },
    id: ({ guid }) => guid,
    one: (guid) => unlessNotFound(api.get(`/v3/routes/${guid}`, item)),
  }
}

/** Deleting an app leaves its addresses behind. Ours may lead to other apps by now. */
const removeAddress: RemovalStep<CfRef> = {
  ...removeRoute,
  async run(api, params, ref, attempt) {
    if (ref.route === undefined) return removed(ref)
    try {
      const isShared = (await destinationsOf(api, ref.route)).some((app) => app !== ref.app)
      if (isShared) return removed(ref, `Its address ${ref.address} stays: it leads to another app now.`)
      return await removeRoute.run(api, params, ref, attempt)
    } catch (error) {
      throw withSentence('The app itself is deleted.', error)
    }
  },
  async find(api, params, ref, attempt) {
    return ref.route === undefined ? removed(ref) : ((await removeRoute.find?.(api, params, ref, attempt)) ?? null)
  },
}

export const removal: Removal<CfRef> = {
  loses:
    'The app with its code, variables and service bindings, and its own address. The services stay with their data.',
  // Not while somebody replaces its code.
  lock: ({ app }) => lockOf(app),
  steps: [removeApp, removeAddress],
}
