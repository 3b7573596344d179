/** The observations of a poll; throws the first error in it. */
import type { Observation } from '../../src/providers/provider.js'

export async function observed(poll: Promise<readonly (Observation | Error)[]> | undefined): Promise<Observation[]> {
  return ((await poll) ?? []).map((one) => {
    if (one instanceof Error) throw one
    return one
  })
}
