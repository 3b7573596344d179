/** What the steps on Cloud Foundry wait for, polled together for all jobs. */
import type { z } from 'zod'
import { type Api, maskIds, settleEach } from '../provider.js'
import { instances } from './instances.js'
import { type CfRef, done, linksOf, type Poll, type Result, resources, type waitFor } from './status.js'

/** Makes an address of four kilobytes, half of what proxies usually take. */
const MAX_IDS_PER_CALL = 100

// Instances come last: another server counts them, and if it's down, nothing else should wait for it.
const polls: Readonly<Record<z.infer<typeof waitFor>, Poll>> = {
  ...resources,
  instances,
}

/** Polls all jobs together, whatever each waits for: one call for every hundred that wait for the same kind. */
export async function check(api: Api, refs: readonly CfRef[]): Promise<Result[]> {
  const calls = Object.entries(polls).flatMap(([name, poll]) => {
    const ids = [...new Set(refs.filter((ref) => ref.waitFor === name).map((ref) => ref[poll.by] ?? ''))]
    return inBatches(ids).map((batch) => ({ name, poll, ids: batch }))
  })
  const answers = await settleEach(calls, ({ poll, ids }) => poll.read(api, ids.join(',')))
  const byId = new Map(calls.flatMap(({ name, ids }, at) => ids.map((id) => [`${name} ${id}`, answers[at]])))
  return refs.map((ref) => {
    if (ref.waitFor === undefined) return readable(ref, done(ref))
    const answer = byId.get(`${ref.waitFor} ${ref[polls[ref.waitFor].by] ?? ''}`)
    return answer instanceof Error ? answer : readable(ref, answer?.(ref) ?? { phase: 'working' })
  })
}

/** As many as one address can ask for. */
export function inBatches(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / MAX_IDS_PER_CALL) }, (_, at) =>
    ids.slice(at * MAX_IDS_PER_CALL, (at + 1) * MAX_IDS_PER_CALL),
  )
}

/** For people: without whole GUIDs, and with the links. */
function readable(ref: CfRef, result: Result): Result {
  if (result instanceof Error) return result
  return { ...result, ...(result.detail && { detail: maskIds(result.detail) }), ...linksOf(ref) }
}
