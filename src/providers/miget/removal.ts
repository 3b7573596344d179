/** The deletion of a clone on Miget, deployed or not. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { checkGone, type Lookup, type Removal, removalStep } from '../provider.js'
import { type App, app, list, readApp } from './api.js'
import type { MigetRef } from './status.js'

export const removal: Removal<MigetRef> = {
  loses: 'The app with its settings and variables, and its add-ons with all data in them.',
  steps: [
    removalStep<MigetRef, App>({
      noun: 'app',
      absentAfterMs: 30_000,
      read: (api, { id }) => unlessNotFound(readApp(api, id)),
      // Another clone may have the name by now, but never the ID.
      isOurs: ({ uuid }, { id }) => uuid === id,
      // Miget documents no state for it: what was deleted is soon nowhere.
      isDeleting: () => false,
      send: (api, { id }) => api.delete(`/apps/${id}`, z.unknown()),
      check: checkGone(
        ({ id }) => id,
        (api): Lookup<App> => ({
          list: () => list(api, '/apps', app),
          id: ({ uuid }) => uuid,
          one: (id) => unlessNotFound(readApp(api, id)),
        }),
        ({ state }) => `still there (${state})`,
      ),
    }),
  ],
}
