/** The suite every provider must pass, against its simulator. See docs/adding-a-provider.md. */
import { describe, test } from 'vitest'
import type { Provider } from '../../src/providers/provider.js'
import { type Check, runCheck } from './contract/checks.js'
import { declarationChecks, wordingChecks } from './contract/declaration.js'
import type { ProviderExample } from './contract/example.js'
import { listChecks } from './contract/lists.js'
import { operationChecks } from './contract/operation.js'
import { removalChecks } from './contract/removal.js'
import { stepChecks } from './contract/steps.js'

export { isExtra, type ManyJobs, type OperationExample, type Pick, type ProviderExample } from './contract/example.js'

/** All that is checked of a provider. Each check starts a simulator of its own. */
export function checksOf(provider: Provider, example: ProviderExample): Check[] {
  const subjects = Object.entries(provider.operations).flatMap(([name, operation]) => {
    const one = example.operations[name]
    return one ? [{ name, operation, example: one }] : []
  })
  return [
    ...declarationChecks(provider, example),
    ...listChecks(provider, example),
    ...subjects.flatMap((subject) => [
      ...wordingChecks(subject),
      ...operationChecks(example.failure, subject),
      ...stepChecks(subject),
      ...removalChecks(subject),
    ]),
  ]
}

/** @param only the operation to check, where the rest is checked already. */
export function describeProvider(provider: Provider, example: ProviderExample, only?: string): void {
  const checks = checksOf(provider, example).filter(({ title }) => !only || title.startsWith(`${only}: `))
  describe(`${provider.name}, like every provider,`, () => {
    for (const check of checks) test(check.title, () => runCheck(provider, example, check))
  })
}
