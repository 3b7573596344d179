/** Coolify's API: its kinds, its refusals, and what we read of its answers. */
import { z } from 'zod'
import type { Api, Verdict } from '../provider.js'

/** What can be cloned. */
export type Kind = 'application' | 'service' | 'database'

export const text = z.string().trim()
export const word = text.nullish().catch(null)
export const id = text.regex(/^[a-z0-9]{24}$/, 'Choose from the list, or paste an ID (24 characters, a-z and 0-9).')
export const named = z.object({ uuid: id, name: text })

export const pathOf = (kind: Kind, id: string) => `/${kind}s/${id}`

const entry = z.object({ uuid: word, name: word }).catch({ uuid: null, name: null })
export type Entry = z.infer<typeof entry>

/** All of a kind, readable or not: to prove that a name is unused, or that nothing came of a write. */
export function listEntries(api: Api, kind: Kind): Promise<Entry[]> {
  return api.get(`/${kind}s`, z.array(entry))
}

const problem = z.object({ message: text.catch(''), docs: text.optional() }).catch({ message: '' })

export function errorMessage(body: unknown): string {
  return problem.parse(body).message
}

export function classify({ body }: { body: unknown }): Verdict | undefined {
  const { message, docs } = problem.parse(body)
  // Said of a route that doesn't exist, as cloning didn't before.
  if (docs) return { blame: 'user', sentence: "It can't clone: that needs Coolify 4.3.0 or newer.", status: 404 }
  if (message.startsWith('Invalid token')) return { blame: 'operator', sentence: "The token's team is gone." }
  return undefined
}
