/** Pure: zod's issues → problems that continue a sentence such as "poll.everySeconds in dolly.yml (line 7) …". */
import { z } from 'zod'
import { didYouMean } from '../lib/closest.js'

export interface Problem {
  path: readonly string[]
  /** Without a full stop; never contains a value, because it may be secret. */
  text: string
}

/**
 * One problem per issue, and one per unknown key with the nearest known one. A message of the schema continues "is not
 * valid: …"; an issue with the param `isProblem` is a problem by itself.
 *
 * @param known the keys of the schema's object.
 */
export function problemsIn(error: z.ZodError | undefined, value: unknown, known: readonly string[]): Problem[] {
  return (error?.issues ?? []).flatMap((issue): Problem[] => {
    const path = issue.path.map(String)
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], text: unknownKey(key, known) }))
    }
    if (issue.code === 'custom' && issue.params?.isProblem === true) return [{ path, text: issue.message }]
    return [{ path, text: `${stateOf(at(value, path))}: ${issue.message.replace(/\.$/, '')}` }]
  })
}

export function unknownKey(key: string, known: readonly string[]): string {
  return `is not a known key${didYouMean(key, known, '; did')} (known: ${known.join(', ')})`
}

/** What zod expects, where the schema has no message of its own. */
export function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') return `expected a ${issue.expected}`
  if (issue.code === 'invalid_format' && issue.format === 'url')
    return 'expected an address such as https://example.com'
  return undefined
}

/** The state of a value that is refused, to continue a sentence. */
export function stateOf(value: unknown): string {
  if (value === undefined || value === null) return 'is not set'
  const isEmpty = typeof value === 'string' ? value.trim() === '' : Array.isArray(value) && value.length === 0
  return isEmpty ? 'is empty' : 'is not valid'
}

const Container = z.record(z.string(), z.unknown())

/** The part of a value at a path. A single word in place of a list is its own only part. */
function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((part, key) => {
    if (typeof part !== 'object' || part === null) return part
    return Array.isArray(part) ? part[Number(key)] : Container.safeParse(part).data?.[key]
  }, value)
}
