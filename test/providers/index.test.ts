import { existsSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { starters } from '../../sandbox/providers/index.js'
import { providers } from '../../src/providers/index.js'

const here = (path: string) => new URL(path, import.meta.url)
const NOT_PROVIDERS = ['provider.ts', 'http.ts', 'http-errors.ts', 'index.ts']
const ids = providers.map((provider) => provider.id)

test('the list of providers is the folder', () => {
  const inFolder = readdirSync(here('../../src/providers'))
  // A folder holds the parts of the provider that it is named after.
  const files = inFolder.filter((file) => file.endsWith('.ts') && !NOT_PROVIDERS.includes(file))
  expect(ids.map((id) => `${id}.ts`).sort()).toEqual(files.sort())
  expect(new Set(ids).size).toBe(ids.length)
})

test.each(ids)('%s has a test file and a simulator', (id) => {
  expect(existsSync(here(`./${id}.test.ts`))).toBe(true)
  expect(existsSync(here(`../../sandbox/providers/${id}.ts`))).toBe(true)
})

test('the demo starts a simulator of every provider', async () => {
  const simulators = await Promise.all(starters.map((start) => start()))
  expect(simulators.map(({ id }) => id).sort()).toEqual([...ids].sort())
  await Promise.all(simulators.map((simulator) => simulator.close()))
})
