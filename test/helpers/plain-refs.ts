/** Operations for tests that care for what a write made, and not for whether it has already ended. */
import {
  type Operation,
  operationOf,
  type Provider,
  type Ref,
  readWritten,
  type Step,
} from '../../src/providers/provider.js'

export interface PlainStep<Before> extends Omit<Step<Record<string, unknown>, Before, Ref>, 'run' | 'find'> {
  run(...args: Parameters<Step<Record<string, unknown>, Before, Ref>['run']>): Promise<Ref>
  find?(...args: Parameters<NonNullable<Step<Record<string, unknown>, Before, Ref>['find']>>): Promise<Ref | null>
}

export interface PlainOperation extends Omit<Operation, 'steps'> {
  steps: readonly [PlainStep<null>, ...PlainStep<Ref>[]]
}

/** An operation of a provider whose `run` and `find` answer plain refs. */
export function plainOperation(provider: Provider, id: string): PlainOperation {
  const operation = operationOf(provider, id)
  if (!operation) throw new Error(`${provider.name} has no operation "${id}".`)
  const [first, ...others] = operation.steps
  return { ...operation, steps: [plainStep(first), ...others.map(plainStep)] }
}

function plainStep<Before>(step: Step<Record<string, unknown>, Before, Ref>): PlainStep<Before> {
  const { run, find, ...rest } = step
  return {
    ...rest,
    run: async (...args) => readWritten(await run(...args)).ref,
    ...(find && {
      find: async (...args) => {
        const found = await find(...args)
        return found && readWritten(found).ref
      },
    }),
  }
}
