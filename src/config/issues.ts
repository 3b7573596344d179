/** Pure: zod's issues → problems that continue a sentence such as "poll.everySeconds in dolly.yml (line 7) …". */
import { z } from 'zod'
import { didYouMean } from '../lib/closest.js'

export interface Problem {
  path: readonly string[]
  /** Without a full stop; never contains a value, because it may be secret. */
  text: string
  isUnknownKey?: boolean
}

/**
 * One problem per issue, and one per unknown key with the nearest known one. A message of a schema continues "is not
 * valid: …", except that of `problemIssue`.
 *
 * @param error of a parse with `{ error: expectation }`.
 */
export function problemsIn(error: z.ZodError | undefined, value: unknown): Problem[] {
  return (error?.issues ?? []).flatMap((issue): Problem[] => {
    const { path, part } = locate(value, issue.path.map(String))
    if (issue.code === 'unrecognized_keys') {
      const known = issue.message.split(', ')
      const text = (key: string) => `is not a known key${didYouMean(key, known, '; did')} (known: ${issue.message})`
      return issue.keys.map((key) => ({ path: [...path, key], text: text(key), isUnknownKey: true }))
    }
    if (issue.code === 'custom' && issue.params?.isProblem === true) return [{ path, text: issue.message }]
    const isChoice = issue.code === 'invalid_value' && typeof part === 'string'
    const near = isChoice ? didYouMean(part, issue.values.map(String), '; did') : ''
    const expected = issue.message.replace(/\.$/, '')
    return [{ path, text: near ? `${stateOf(part)}${near} (${expected})` : `${stateOf(part)}: ${expected}` }]
  })
}

/** An issue whose message is the whole problem. */
export function problemIssue(message: string) {
  return { code: 'custom', message, params: { isProblem: true } } as const
}

/** The message of an object's schema for a value that is no object. */
export function expectType(expected: string) {
  return ({ code }: z.core.$ZodRawIssue) => (code === 'invalid_type' ? expected : undefined)
}

/** What zod expects, where the schema has no message of its own. For unknown keys: the known ones. */
export function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'unrecognized_keys' && issue.inst instanceof z.ZodObject)
    return Object.keys(issue.inst.shape).join(', ')
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.join(', ')}`
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

/** The part of a value at a path, and the path without what leads into a single word that stands in place of a list. */
function locate(value: unknown, path: readonly string[]): { path: string[]; part: unknown } {
  const found: string[] = []
  let part = value
  for (const key of path) {
    if (typeof part !== 'object' || part === null) break
    part = new Map(Object.entries(part)).get(key)
    found.push(key)
  }
  return { path: found, part }
}
