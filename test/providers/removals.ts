/** The removal of what an operation made, for the tests of single providers. */
import { type Api, type Operation, type Ref, readWritten } from '../../src/providers/provider.js'

type Removable = Pick<Operation, 'removal'> | undefined

/** What one step of a removal writes, as a job of its own does: without the answers of the form. */
export async function startRemoval(operation: Removable, api: Api, ref: Ref, index = 0) {
  const attempt = { job: 'd3l3t', since: new Date(0), baseline: '', tries: 1, searchedForMs: 0, now: 0 }
  return readWritten(await stepOf(operation, index).run(api, {}, ref, attempt))
}

/** What one poll of a step of a removal says. */
export async function pollRemoval(operation: Removable, api: Api, ref: Ref, index = 0) {
  const [seen] = await stepOf(operation, index).check(api, [ref], 0)
  return seen
}

function stepOf(operation: Removable, index: number) {
  const step = operation?.removal?.steps[index]
  if (!step) throw new Error('There is no such step.')
  return step
}
