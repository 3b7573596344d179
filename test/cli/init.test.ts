/** `dolly init`: what it writes is a configuration that works once its blanks are filled in. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { initialize } from '../../src/cli/init.js'
import { loadConfig } from '../../src/config/env.js'
import { providers } from '../../src/connections.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-init-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const read = (name: string) => readFileSync(join(folder, name), 'utf8')

it.each(providers)('a connection to $name works once its variables are set', ({ id, name }) => {
  const { isDone, text } = initialize(folder, id)
  expect(isDone).toBe(true)
  expect(text).toContain(`with one connection to ${name},`)
  const blanks = parseEnv(read('.env'))
  expect(Object.values(blanks).join('')).toBe('')
  for (const variable of Object.keys(blanks)) expect(text).toContain(variable)
  const filled = Object.keys(blanks).map((variable) => [variable, `secret-of-${variable}`])
  const env = {
    ...Object.fromEntries(filled),
    SLACK_BOT_TOKEN: 'xoxb-1-bot',
    SLACK_APP_TOKEN: 'xapp-1-app',
    DOLLY_CONFIG: join(folder, 'dolly.yml'),
  }
  const config = loadConfig({ env, providers })
  expect(config.connections.map(({ provider }) => provider)).toEqual([id])
  expect(config.connections[0]?.secrets).toEqual(
    Object.keys(blanks).flatMap((variable) => (variable.startsWith('SLACK_') ? [] : [`secret-of-${variable}`])),
  )
  expect(config.warnings).toEqual([])
  expect(read('dolly.yml')).not.toMatch(/example\.yml|\.env\.example|Copy this file/)
})

it('without a provider it is the first one in the README', () => {
  const readme = readFileSync('README.md', 'utf8')
  const [, first] = /\| provider \| operations \|\n\|---\|---\|\n\| \[([^\]]+)\]/.exec(readme) ?? []
  const { text } = initialize(folder)
  expect(text).toContain(`with one connection to ${first},`)
  expect(text).toContain(
    'To start with another provider (coolify, hoody, miget, qovery, rainbond), delete both files and',
  )
})

it('only its owner can read .env', () => {
  initialize(folder)
  expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600)
})

it.each(['dolly.yml', '.env'])('a %s that is there stays as it is, and nothing else is written', (name) => {
  writeFileSync(join(folder, name), 'mine')
  expect(initialize(folder)).toEqual({
    isDone: false,
    text: `There's a ${name} here already, so nothing was written. Move it away, or use another folder.`,
  })
  expect(read(name)).toBe('mine')
  expect(readdirSync(folder)).toEqual([name])
})

it('a provider that nobody knows is refused with the nearest one', () => {
  expect(initialize(folder, 'hody').text).toMatch(
    /^There's no provider "hody"\. Did you mean "hoody"\? The providers are: /,
  )
  expect(readdirSync(folder)).toEqual([])
})
