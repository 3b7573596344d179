/** What all polls of Cloud Foundry have in common: the ref, and lists whose unreadable rows must not count as deleted. */
import { z } from 'zod'
import { TemporaryError } from '../../errors.js'
import { type Api, type Observation, rows, withPeriod } from '../provider.js'
import { item, listWith } from './api.js'

const word = z.string().optional()
export const waitFor = z.enum(['package', 'droplet', 'build', 'binding', 'copy', 'instances'])
/**
 * `app` is the new one or the one that is overwritten. `waitFor` is what the step waits for, and `guid` that thing's; without
 * it there is nothing to wait for. `note` is the remark of a success, `left` a sentence on what a failure leaves behind.
 */
export const ref = z.object({
  app: z.string(),
  waitFor: waitFor.optional(),
  guid: word,
  droplet: word,
  route: word,
  url: word,
  note: word,
  left: word,
})
export type CfRef = z.infer<typeof ref>

export type Result = Observation<CfRef> | Error

/** One kind of waiting: by which key of the ref its rows are asked for, and what the answer means for each ref. */
export interface Poll {
  by: 'guid' | 'app'
  read(api: Api, ids: string): Promise<(ref: CfRef) => Result>
}

// What says whose a row is must be there. The rest may be odd without failing the job.
export const optional = z.string().nullish().catch(undefined)
export const state = z.string().catch('in an unknown state')

export interface Listed<T> {
  found: T[]
  /** Whether all rows could be read, so that what wasn't found doesn't exist. */
  isWhole: boolean
}

/** The readable rows of a list. */
export async function listReadable<T>(
  api: Api,
  path: string,
  row: z.ZodType<T>,
  query: Readonly<Record<string, string>>,
): Promise<Listed<T>> {
  let isWhole = true
  const counting: Pick<Api, 'reportSkipped'> = {
    reportSkipped(count, example) {
      isWhole = false
      api.reportSkipped?.(count, example)
    },
  }
  const { rows: found } = await listWith(api, path, rows(counting, row), z.array(item), query)
  return { found, isWhole }
}

export function unreadable(name: string): TemporaryError {
  return new TemporaryError(`Cloud Foundry listed the ${name} in an unexpected shape, or not at all.`, {
    mayHaveHappened: false,
  })
}

/** A failure, with what it leaves behind. */
export function failed({ left }: CfRef, reason: string): Observation<CfRef> {
  return { phase: 'failed', detail: left ? `${withPeriod(reason)} ${left}` : reason }
}
