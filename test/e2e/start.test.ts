/** The real bot with what an operator got wrong: each mistake is one sentence that says what to do. */
import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defaultAccess, startBot, writeConfig } from '../../sandbox/bot.js'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { startQovery } from '../../sandbox/providers/qovery.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

let folder: string
let hoody: Simulator
let qovery: Simulator
let workspace: Workspace
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-start-'))
  hoody = await startHoody()
  qovery = await startQovery()
  workspace = await startWorkspace({ simulators: [hoody, qovery] })
})
afterAll(async () => {
  await Promise.all([workspace.close(), hoody.close(), qovery.close()])
  rmSync(folder, { recursive: true, force: true })
})

const junk = (simulator: Simulator): Simulator => ({
  ...simulator,
  connection: { ...simulator.connection, token: 'junk-4711-junk' },
})
const anyone = { who: 'members', may: '*', on: '*' }

function configure(simulators: readonly Simulator[], ...access: readonly object[]): void {
  writeConfig(folder, simulators, { everySeconds: 1 }, { ...defaultAccess, access: [...access, anyone] })
}

const socketEnv = () => {
  const { SLACK_SIGNING_SECRET: _, ...env } = workspace.env
  return env
}

/** Runs the program to its end; what it printed to both outputs, and its exit code. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return await new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
    const { PATH = '' } = process.env
    execFile(process.execPath, [program, ...args], { cwd: folder, env: { PATH, ...env } }, (error, out, err) =>
      resolve({ code: error ? error.code : 0, out, err }),
    )
  })
}

it('a refused SLACK_APP_TOKEN stops the start by its name, and says where to get another', async () => {
  configure([hoody])
  const { code, out, err } = await run([], { ...socketEnv(), SLACK_APP_TOKEN: 'xapp-1-somebody-elses' })
  expect(code).toBe(1)
  expect(err).toBe(
    'Dolly can\'t start:\n- Slack refuses SLACK_APP_TOKEN with "invalid_auth". Generate a new one with the scope connections:write, under "Basic Information", "App-Level Tokens" of your Slack app.\n',
  )
  expect(out).not.toContain('WSS URL')
}, 30_000)

it.each(['HTTP', 'Socket'])(
  'a port that is taken stops the start in %s mode with the sentence of what to do',
  async (mode) => {
    configure([hoody])
    const { SLACK_APP_TOKEN: _, ...httpEnv } = workspace.env
    const { port } = new URL(workspace.url)
    const { code, err } = await run([], { ...(mode === 'HTTP' ? httpEnv : socketEnv()), PORT: port })
    expect([code, err]).toEqual([
      1,
      `Dolly can't start:\n- Dolly can't listen on port ${port}: another program uses it. Set PORT to a free one. In HTTP mode, let Slack's requests go there too.\n`,
    ])
  },
  30_000,
)

it('after the start the log warns of each connection and user group that leads nowhere', async () => {
  configure([hoody, junk(qovery)], { who: 'S00SHEPHERDS', may: 'copy', on: 'hoody' })
  const bot = await startBot(folder, { ...socketEnv(), LOG_LEVEL: 'info' })
  try {
    await expect.poll(() => bot.log(), { timeout: 10_000 }).toContain('1 of 2 connections answered')
    const warnings = bot
      .log()
      .split('\n')
      .flatMap((line) => (line.includes('"level":40') ? [JSON.parse(line)] : []))
    expect(warnings.map(({ msg, connection, group }) => [msg, connection ?? group])).toEqual(
      expect.arrayContaining([
        ['a connection did not answer', 'qovery'],
        ['an access rule names a user group that Slack does not know', 'S00SHEPHERDS'],
      ]),
    )
    expect(warnings.filter(({ connection }) => connection !== undefined)).toHaveLength(1)
    expect(warnings.find(({ connection }) => connection)?.reason).toContain('qovery refused its credentials (401')
    expect(bot.log()).not.toContain('junk-4711-junk')
  } finally {
    expect(await bot.kill('SIGTERM')).toBe(0)
  }
}, 30_000)

it('a database that others may open is warned of', async () => {
  configure([hoody])
  mkdirSync(join(folder, 'data'), { recursive: true })
  writeFileSync(join(folder, 'data/dolly.db'), '')
  chmodSync(join(folder, 'data/dolly.db'), 0o640)
  const first = await startBot(folder, socketEnv())
  await first.kill('SIGTERM')
  expect(first.log()).toContain('users other than its owner can open the database')
  chmodSync(join(folder, 'data/dolly.db'), 0o600)
  const second = await startBot(folder, socketEnv())
  await second.kill('SIGTERM')
  expect(second.log()).not.toContain('users other than its owner')
}, 30_000)

it('doctor says of each part whether it is good, starts nothing, and ends with 0 or 1', async () => {
  rmSync(join(folder, 'data'), { recursive: true, force: true })
  configure([hoody, qovery])
  const good = await run(['doctor'], socketEnv())
  expect([good.code, good.err]).toEqual([0, ''])
  expect(good.out.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
    'CHECK | RESULT',
    'configuration | ok | dolly.yml can be used: 2 connections, 1 access rule.',
    expect.stringMatching(/^database \| ok \| There's no database at data\/dolly\.db yet: a start creates it\. /),
    'slack bot token | ok | Slack accepts SLACK_BOT_TOKEN for https://woolworks.slack.com/.',
    'slack scopes | ok | SLACK_BOT_TOKEN has the scopes that Dolly needs.',
    'slack app token | ok | Slack accepts SLACK_APP_TOKEN.',
    expect.stringMatching(/^clock \| ok \| /),
    expect.stringMatching(
      /^connection hoody \| ok \| hoody answers at 127\.0\.0\.1:\d+\. Its token may read all 4 lists\.$/,
    ),
    expect.stringMatching(/^connection qovery \| ok \| /),
    '',
  ])
  expect(workspace.connections()).toBe(0)
  expect(existsSync(join(folder, 'data'))).toBe(false)

  configure([hoody, junk(qovery)], { who: 'S00SHEPHERDS', may: 'copy', on: 'hoody' })
  const half = await run(['doctor', '--json'], { ...socketEnv(), SLACK_APP_TOKEN: 'xapp-1-somebody-elses' })
  expect([half.code, half.err]).toEqual([1, ''])
  const findings: { check: string; result: string; sentence: string }[] = JSON.parse(half.out)
  const failed = findings.filter(({ result }) => result === 'failed')
  expect(failed.map(({ check, sentence }) => [check, sentence])).toEqual([
    ['slack groups', 'S00SHEPHERDS: an access rule names a user group that Slack does not know.'],
    ['slack app token', expect.stringContaining('Slack refuses SLACK_APP_TOKEN with "invalid_auth".')],
    ['connection qovery', expect.stringMatching(/^127\.0\.0\.1:\d+: qovery refused its credentials \(401 /)],
  ])
  expect(half.out).not.toContain('junk-4711-junk')

  const without = await run(['doctor', '--json'], { ...socketEnv(), SLACK_BOT_TOKEN: '' })
  expect(without.code).toBe(1)
  expect(JSON.parse(without.out)).toEqual([
    { check: 'configuration', result: 'failed', sentence: expect.stringContaining('SLACK_BOT_TOKEN is empty') },
  ])
}, 60_000)

it('--version and --help print and start nothing, and neither do arguments that Dolly does not know', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(await run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
  const { code, out, err } = await run(['--help'])
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain('dolly doctor [--json]')
  expect(await run(['docter'])).toEqual({
    code: 1,
    out: '',
    err: 'Dolly has no command "docter". Did you mean "doctor"? See: dolly --help\n',
  })
}, 30_000)

it('a dolly.yml whose tokens others may read, and a rule without a source, cause a warning', async () => {
  const forgetful = { who: 'members', may: [], on: 'hoody', target: '*production*' }
  configure([hoody], forgetful)
  const careless =
    'dolly.yml contains connections.hoody.token, and other users of this machine can read it. Run chmod 600 dolly.yml'
  const forgotten = /rule 1 of access in dolly\.yml \(line \d+\) has a target but no from, and/
  chmodSync(join(folder, 'dolly.yml'), 0o644)
  const { code, out } = await run(['doctor'], socketEnv())
  expect(code).toBe(0)
  expect(out).toMatch(new RegExp(`^configuration +warning +${careless}`, 'm'))
  expect(out).toMatch(forgotten)
  const bot = await startBot(folder, socketEnv())
  await bot.kill('SIGTERM')
  expect(bot.log()).toContain(careless)
  expect(bot.log()).toMatch(forgotten)

  configure([hoody], forgetful, { ...forgetful, target: '*', from: '*production*' })
  chmodSync(join(folder, 'dolly.yml'), 0o600)
  const better = await run(['doctor'], socketEnv())
  expect(better.out).not.toContain(careless)
  configure([hoody], { ...forgetful, from: '*' })
  expect((await run(['doctor'], socketEnv())).out).not.toContain('warning')
}, 60_000)

it('a second process on the same database is refused with a sentence that names the first', async () => {
  configure([hoody])
  const env = { ...socketEnv(), DATABASE_URL: 'file:data/locked.db' }
  const first = await startBot(folder, env)
  try {
    const { code, err } = await run([], env)
    expect(code).toBe(1)
    expect(err).toMatch(
      /^The database .*locked\.db is in use by another Dolly \(process \d+ on .*\)\. One process at a time/,
    )
    // Only a start needs the database for itself.
    expect((await run(['doctor'], env)).code).toBe(0)
  } finally {
    expect(await first.kill('SIGTERM')).toBe(0)
  }
}, 60_000)
