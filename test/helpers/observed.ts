/** The observations of a look that failed for nobody; throws the first error in it. */
import type { Observation } from '../../src/providers/provider.js'

export async function observed(look: Promise<readonly (Observation | Error)[]> | undefined): Promise<Observation[]> {
  return ((await look) ?? []).map((one) => {
    if (one instanceof Error) throw one
    return one
  })
}
