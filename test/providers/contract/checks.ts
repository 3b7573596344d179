/** What a check of the suite is, and how one is run. */
import { expect } from 'vitest'
import type { Operation, Provider } from '../../../src/providers/provider.js'
import type { OperationExample, ProviderExample } from './example.js'
import { World } from './world.js'

export interface Check {
  title: string
  run(world: World): Promise<void> | void
}

/** One operation of a provider with the example that belongs to it. */
export interface Subject {
  /** How dolly.yml and the tests call the operation. */
  name: string
  operation: Operation
  example: OperationExample
}

/** Runs one check against a simulator of its own. A failure names the files to look at. */
export async function runCheck(provider: Provider, example: ProviderExample, check: Check): Promise<void> {
  const world = await World.open(provider, example)
  try {
    await check.run(world)
    world.refuseSecrets()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const { id } = provider
    error.message = `${error.message}\nLook at src/providers/${id}.ts; the example is in test/providers/${id}.test.ts, the simulator in sandbox/providers/${id}.ts.`
    throw error
  } finally {
    await world.close()
  }
}

/** The error that a promise must end with; its message is kept as something that people read. */
export async function failureOf<E extends Error>(
  world: World,
  kind: new (...all: never[]) => E,
  promise: Promise<unknown>,
): Promise<E> {
  const error: unknown = await promise.then(
    () => new Error(`It was expected to fail with a ${kind.name}, and did not fail.`),
    (error: unknown) => error,
  )
  if (!(error instanceof kind)) throw error
  world.shown.push(error.message)
  expect(error.message).toMatch(/\S/)
  return error
}
